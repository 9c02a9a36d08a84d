// Package optout recognises the words with which people opt out and in.
package optout

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// stopWords are the words with which a contact opts out, by language: those
// that US carriers require (CTIA's Short Code Monitoring Handbook and Messaging
// Principles), Twilio's and AWS' default lists, and their usual equivalents.
// Words with another meaning in a one-word reply are left out: "no" is not an
// opt-out. Letters only, lower case.
var stopWords = map[string][]string{
	"en": {"stop", "stopall", "unsubscribe", "revoke", "optout"},
	"es": {"darsedebaja", "darmedebaja", "desuscribir", "desuscribirme"},
	"fr": {
		"arret", "arrêt", "arrete", "arrête", "arreter", "arrêter", "desabonner", "désabonner",
		"desinscrire", "désinscrire", "desinscription", "désinscription",
	},
	"de": {"stopp", "abmelden", "abbestellen", "austragen"},
	"pt": {"descadastrar"},
	"it": {"cancellami", "disiscrivi", "disiscrivimi"},
	"nl": {"stoppen", "afmelden", "uitschrijven"},
	"hi": {"बंद", "बन्द", "बंदकरें", "बंदकरो", "रोकें", "रोको", "रुकें", "bandkaro", "roko"},
	"id": {"berhenti", "henti", "hentikan", "stopin"},
	"ar": {"توقف", "إيقاف", "ايقاف", "إلغاء", "الغاء", "إلغاءالاشتراك", "الغاءالاشتراك", "أوقف", "اوقف"},
	"tr": {"çık"},
	"zh": {"退订", "退訂"},
	"ru": {"стоп", "отписаться", "отписка"},
}

// aloneWords mean other things too: they opt out as the whole of a typed text,
// never on a button.
var aloneWords = map[string][]string{
	"en": {"cancel", "end", "quit", "remove"},
	"es": {"baja", "parar", "alto", "detener", "cancelar"},
	"de": {"beenden", "kündigen"},
	"pt": {"parar", "pare", "sair", "cancelar", "remover"},
	"it": {"ferma", "fermare", "annulla", "basta"},
	"tr": {"dur", "iptal", "durdur"},
	"zh": {"td"},
}

// startWords undo an opt-out. Plain "yes", which Twilio accepts too, is not one
// of them: it answers too many other questions, and writing again to a contact
// who opted out is worse than requiring START.
var startWords = map[string][]string{
	"en": {"start", "unstop", "subscribe", "optin", "resume"},
	"es": {"alta", "iniciar", "suscribir", "suscribirme"},
	"fr": {"commencer", "demarrer", "démarrer", "abonner", "reprendre"},
	"de": {"anmelden", "abonnieren"},
	"pt": {"iniciar", "começar", "comecar", "inscrever"},
	"it": {"inizia", "iscrivi", "iscrivimi", "riprendi"},
	"nl": {"aanmelden", "inschrijven", "hervatten"},
	"hi": {"शुरू", "शुरूकरें", "शुरूकरो", "चालू", "shurukaro"},
	"id": {"mulai", "lanjutkan", "langganan"},
	"ar": {"ابدأ", "ابدا", "بدء", "اشتراك"},
	"tr": {"başla", "basla"},
	"zh": {"订阅", "訂閱"},
	"ru": {"старт", "подписаться"},
}

// maxKeyword bounds what is looked at, in bytes: a longer message is no
// keyword.
const maxKeyword = 80

// MayAsk reports whether an inbound message opts out or in by the words of any
// language.
func MayAsk(in *dispatch.Inbound) bool {
	stop, start := Asks(in, Languages())
	return stop || start
}

// Asks reports whether an inbound message opts the contact out or in again, by
// the words of the languages; of none: those of English and of the contact's
// country. Of a typed text the whole must be a keyword; a button opts out by a
// text that begins with a word that means nothing else. Places, captions and
// lists are not the contact's own words.
func Asks(in *dispatch.Inbound, languages []string) (stop, start bool) {
	if len(in.Text) > maxKeyword {
		return false, false
	}
	words := keywords(in.Text)
	if len(words) == 0 {
		return false, false
	}
	c, whole := choose(in, languages), strings.Join(words, "")
	switch in.Type {
	case "text":
		return c.clear(stopKeys, whole) || c.either(aloneKeys, whole), c.clear(startKeys, whole)
	case "button", "interactive":
		first := c.clear(stopKeys, words[0]) || (len(words) > 1 && c.clear(stopKeys, words[0]+words[1]))
		return first, c.clear(startKeys, whole)
	}
	return false, false
}

// keywords returns the words of a text as keywords are compared.
func keywords(text string) []string {
	return strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
}

// fold writes a text in one way: compatibility forms (full width) as ordinary
// letters, lower case, every kind of i as i, without accents, other marks above
// and below, tatweel and joiners. The signs of Devanagari count: they are vowels.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'ı' || r == 'İ':
			return 'i'
		case r == 'ـ' || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
			return -1
		case unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Devanagari, r):
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// The languages of each keyword, which is folded and without spaces.
var stopKeys, aloneKeys, startKeys = keys(stopWords), keys(aloneWords), keys(startWords)

func keys(lists map[string][]string) map[string][]string {
	all := map[string][]string{}
	for language, words := range lists {
		for _, w := range words {
			key := strings.Join(keywords(w), "")
			all[key] = append(all[key], language)
		}
	}
	return all
}
