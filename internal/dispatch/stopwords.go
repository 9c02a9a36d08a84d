package dispatch

import (
	"strings"
	"unicode"
)

// stopWords are the words with which a contact opts out, by language: those
// that US carriers require (CTIA's Short Code Monitoring Handbook and Messaging
// Principles), Twilio's and AWS' default lists, and their usual equivalents.
// Words with another meaning in a one-word reply are left out: "no" is not an
// opt-out. Letters only, lower case.
var stopWords = map[string][]string{
	"en": {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "remove"},
	"es": {"baja", "parar", "alto", "detener", "cancelar", "darsedebaja", "darmedebaja", "desuscribir", "desuscribirme"},
	"fr": {
		"arret", "arrêt", "arrete", "arrête", "arreter", "arrêter", "desabonner", "désabonner",
		"desinscrire", "désinscrire", "desinscription", "désinscription",
	},
	"de": {"stopp", "abmelden", "abbestellen", "austragen", "beenden", "kündigen"},
	"pt": {"parar", "pare", "sair", "cancelar", "descadastrar", "remover"},
	"it": {"ferma", "fermare", "annulla", "cancellami", "disiscrivi", "disiscrivimi", "basta"},
	"nl": {"stoppen", "afmelden", "uitschrijven"},
	"hi": {"बंद", "बंदकरें", "बंदकरो", "रोकें", "रोको", "रुकें", "bandkaro", "roko"},
	"id": {"berhenti", "henti", "hentikan", "stopin"},
	"ar": {"توقف", "إيقاف", "ايقاف", "إلغاء", "الغاء", "إلغاءالاشتراك", "الغاءالاشتراك", "أوقف", "اوقف"},
	"tr": {"dur", "iptal", "durdur", "çık"},
	"zh": {"退订", "退訂", "td"},
	"ru": {"стоп", "отписаться", "отписка"},
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

// keywordActions maps each word to 1 if it opts out and to 2 if it opts in.
var keywordActions = func() map[string]int {
	actions := map[string]int{}
	for action, lists := range []map[string][]string{stopWords, startWords} {
		for _, words := range lists {
			for _, w := range words {
				actions[w] = action + 1
			}
		}
	}
	return actions
}()

// maxKeyword is the longest text that is checked, in bytes: a longer one is no
// keyword.
const maxKeyword = 80

// KeywordAction returns whether an inbound message opts the contact out or in
// again. The whole text must be a keyword of any of the languages; case,
// spaces, punctuation and emoji are ignored ("Stop!", "OPT-OUT", "stop all").
func KeywordAction(text string) (stop, start bool) {
	if len(text) > maxKeyword {
		return false, false
	}
	word := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
			if r == 0xFE0F || r == 0xFE0E { // variation selectors, the tail of an emoji
				return -1
			}
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	action := keywordActions[word]
	return action == 1, action == 2
}
