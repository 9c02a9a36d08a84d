package optout

import (
	"maps"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

// english counts in every account: carriers require its words everywhere.
const english = "en"

// countries are the languages of our words in which people of a country write,
// besides English.
var countries = byCountry(map[string]string{
	"es": "ES MX AR CO CL PE VE EC GT CU BO DO HN PY SV NI CR PA UY PR GQ US", "pt": "PT BR AO MZ CV GW ST TL MO",
	"fr": "FR BE CH LU MC CA SN CI ML BF NE TG BJ CM GA CG CD GN MG TD CF DJ KM HT RE GP MQ GF MU MA TN DZ",
	"de": "DE AT CH LI LU BE", "it": "IT CH SM VA", "nl": "NL BE SR AW CW SX", "hi": "IN", "id": "ID", "tr": "TR CY",
	"ar": "SA AE EG DZ MA TN LY SD IQ SY JO LB PS YE OM QA BH KW MR", "zh": "CN TW HK MO SG MY", "ru": "RU BY KZ KG UA MD",
})

func byCountry(languages map[string]string) map[string][]string {
	out := map[string][]string{}
	for language, in := range languages {
		for country := range strings.FieldsSeq(in) {
			out[country] = append(out[country], language)
		}
	}
	return out
}

// Languages returns the languages for which there are words, in order.
func Languages() []string { return slices.Sorted(maps.Keys(stopWords)) }

// Known reports whether there are words of the language.
func Known(language string) bool { return stopWords[language] != nil }

// Words are the keywords of a language.
type Words struct {
	Language string   `json:"language"`
	Stop     []string `json:"stop" nullable:"false" doc:"Opt out, also as the beginning of a button's text."`
	Alone    []string `json:"stop_alone" nullable:"false" doc:"Mean other things, too: they opt out as the whole of a typed text only."`
	Start    []string `json:"start" nullable:"false" doc:"Opt in again."`
}

// List returns the keywords of all languages.
func List() []Words {
	out := make([]Words, 0, len(stopWords))
	for _, l := range Languages() {
		out = append(out, Words{l, words(stopWords[l]), words(aloneWords[l]), words(startWords[l])})
	}
	return out
}

func words(list []string) []string { return append([]string{}, list...) }

// chosen are the languages that count for one contact.
type chosen struct {
	languages []string
	all       bool // words that mean nothing else count in every language
}

// choose returns the languages that an account has chosen or, if it has chosen
// none, English and those of the country of the contact.
func choose(in *dispatch.Inbound, languages []string) chosen {
	if len(languages) > 0 {
		return chosen{languages: languages}
	}
	return chosen{languages: append([]string{english}, countries[person.Country(in.From)]...), all: true}
}

// clear reports whether a word of the languages that means nothing else is among
// lexicon's.
func (c chosen) clear(lexicon map[string][]string, key string) bool {
	in := lexicon[key]
	return len(in) > 0 && (c.all || slices.Contains(in, english) || c.either(lexicon, key))
}

// either reports whether key is a word of one of the languages.
func (c chosen) either(lexicon map[string][]string, key string) bool {
	return slices.ContainsFunc(lexicon[key], func(l string) bool { return slices.Contains(c.languages, l) })
}
