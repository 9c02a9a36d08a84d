package optout

import (
	"strings"
	"testing"
	"unicode"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestAsks_Typed(t *testing.T) {
	t.Parallel()
	type want struct{ stop, start bool }
	stop, start, none := want{stop: true}, want{start: true}, want{}
	for text, want := range map[string]want{
		"STOP": stop, "stop": stop, " Stop! ": stop, "“stop”": stop, "STOP.\n": stop, "STOP 🛑": stop, "stop ⛔️": stop,
		"STOPALL": stop, "stop all": stop, "Unsubscribe": stop, "CANCEL": stop, "end": stop, "QUIT": stop, "revoke": stop,
		"OPTOUT": stop, "opt-out": stop, "Opt out": stop, "ARRÊT": stop, "arret": stop, "Baja": stop, "dar se de baja": stop,
		"बंद करें": stop, "توقف": stop, "إلغاء الاشتراك": stop, "BERHENTI": stop, "Стоп": stop, "退订": stop, "ABMELDEN": stop,
		"ÇIK": stop, "arre\u0302t": stop, "ＳＴＯＰ": stop, "बन्द": stop, "Dur": stop, "تـوقف": stop,
		"START": start, "unstop": start, "Start.": start, "शुरू करें": start, "ابدأ": start, "mulai": start, "ALTA": start,
		"": none, "!": none, "yes": none, "no": none, "please stop": none, "stop please": none, "don't stop": none,
		"stopping": none, "I want to cancel my order": none, "🛑": none, "\xff": none, strings.Repeat("!", 80) + "stop": none,
	} {
		var got struct{ stop, start bool }
		got.stop, got.start = Asks(&dispatch.Inbound{Type: "text", Text: text}, Languages())
		if got != want {
			t.Errorf("Asks(%q) = %+v; want %+v", text, got, want)
		}
	}
}

// A word can't mean both, and must have the form that Asks compares.
func TestKeywords_AreOneThingAndFolded(t *testing.T) {
	t.Parallel()
	for i, lists := range []map[string][]string{stopWords, startWords} {
		for language, words := range lists {
			for _, w := range words {
				stop, start := Asks(&dispatch.Inbound{Type: "text", Text: w}, Languages())
				if stop != (i == 0) || start != (i == 1) {
					t.Errorf("%s %q: stop %v, start %v", language, w, stop, start)
				}
				if strings.IndexFunc(w, unicode.IsUpper) >= 0 {
					t.Errorf("%s %q has capitals", language, w)
				}
			}
		}
	}
	for language := range stopWords {
		if len(startWords[language]) == 0 {
			t.Errorf("%s has no word to start", language)
		}
	}
}

// A button counts by a word that means nothing else, a place or a caption not
// at all.
func TestAsks_Button(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, text string
		stop       bool
	}{
		{"button", "Stop promotions", true},
		{"button", "Unsubscribe from offers", true},
		{"button", "Opt out", true},
		{"interactive", "Cancel", false},
		{"interactive", "End", false},
		{"button", "Remove", false},
		{"location", "Baja", false},
		{"image", "Remove", false},
		{"image", "STOP", false},
	} {
		if stop, start := Asks(&dispatch.Inbound{Type: c.kind, Text: c.text}, Languages()); stop != c.stop || start {
			t.Errorf("%s %q: stop %v, start %v", c.kind, c.text, stop, start)
		}
	}
}

// Without a choice English counts and the contact's language, and everywhere what
// means nothing else; a choice is followed.
func TestAsks_Languages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, text string
		languages  []string
		stop       bool
	}{
		{"+15550000001", "cancel", nil, true},
		{"+15550000001", "dur", nil, false},
		{"+15550000001", "alto", nil, true},
		{"+905321234567", "Dur", nil, true},
		{"TR.2000", "dur", nil, true},
		{"+15550000001", "ÇIK", nil, true},
		{"+393331234567", "basta", nil, true},
		{"+4915112345678", "basta", nil, false},
		{"+905321234567", "dur", []string{"de"}, false},
		{"+905321234567", "cancel", []string{"tr"}, false},
		{"+905321234567", "STOP", []string{"tr"}, true},
		{"+15550000001", "abmelden", []string{"de"}, true},
		{"+15550000001", "abmelden", []string{"en"}, false},
	} {
		if got, _ := Asks(&dispatch.Inbound{From: c.from, Type: "text", Text: c.text}, c.languages); got != c.stop {
			t.Errorf("%s from %s, %v: %v", c.text, c.from, c.languages, got)
		}
	}
}
