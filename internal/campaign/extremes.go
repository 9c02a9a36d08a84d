package campaign

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Sample is a rendering worth a look before launch.
type Sample struct {
	To        string `json:"to"`
	Rendering string `json:"rendering"`
	Why       string `json:"why,omitempty"`
}

// Extremes keeps, of all renderings of a campaign, the longest and the three
// oddest: those whose values look least like words.
type Extremes struct {
	renderer *Renderer
	longest  Sample
	size     int
	odd      []oddity
	first    []spare
}

// spare is one of the first recipients, shown where fewer than three are odd.
type spare struct {
	to     string
	fields Fields
}

// oddities is how many odd renderings are kept.
const oddities = 3

type oddity struct {
	Sample
	score int
}

// NewExtremes returns an empty one.
func NewExtremes(r *Renderer) *Extremes { return &Extremes{renderer: r} }

// Add looks at one rendering. Of equals the earlier one stays.
func (e *Extremes) Add(to string, f Fields, r Rendering) {
	if e.longest.To == "" || r.Size > e.size {
		if shown, problem := e.renderer.Preview(f); problem == nil {
			e.longest, e.size = Sample{To: to, Rendering: shown}, r.Size
		}
	}
	if len(e.first) < oddities {
		e.first = append(e.first, spare{to, f})
	}
	score, why := e.score(f)
	if len(e.odd) == oddities && score <= e.odd[oddities-1].score {
		return
	}
	if i := slices.IndexFunc(e.odd, func(o oddity) bool { return o.Why == why && why != "" }); i >= 0 {
		if score <= e.odd[i].score {
			return // three of a kind show less than three kinds
		}
		e.odd = slices.Delete(e.odd, i, i+1)
	}
	shown, problem := e.renderer.Preview(f)
	if problem != nil {
		return
	}
	e.odd = append(e.odd, oddity{Sample{To: to, Rendering: shown, Why: why}, score})
	slices.SortStableFunc(e.odd, func(a, b oddity) int { return cmp.Compare(b.score, a.score) })
	e.odd = e.odd[:min(len(e.odd), oddities)]
}

// Longest returns the longest rendering; ok is false when there was none.
func (e *Extremes) Longest() (s Sample, ok bool) { return e.longest, e.longest.To != "" }

// Odd returns the oddest renderings, the oddest first, filled up to three with
// those of the first recipients.
func (e *Extremes) Odd() []Sample {
	out := make([]Sample, len(e.odd), oddities)
	for i := range e.odd {
		out[i] = e.odd[i].Sample
	}
	for _, s := range e.first {
		if len(out) == oddities || slices.ContainsFunc(out, func(o Sample) bool { return o.To == s.to }) {
			continue
		}
		if shown, problem := e.renderer.Preview(s.fields); problem == nil {
			out = append(out, Sample{To: s.to, Rendering: shown})
		}
	}
	return out
}

// score returns how odd the oddest value is, with the reason, plus a little for
// each further one.
func (e *Extremes) score(f Fields) (total int, why string) {
	most := 0
	for i := range e.renderer.slots {
		s := &e.renderer.slots[i]
		v, ok := s.value(&source{fields: f})
		if !ok {
			continue
		}
		points, reason := odd(v)
		if v == s.fallback && s.hasDefault && f[s.field] != v && points < 2 {
			points, reason = 2, "the default stands for an empty field"
		}
		total += points
		if points > most {
			most, why = points, reason+": "+s.field
		}
	}
	return total, why
}

// nothings are what exports write for nothing.
var nothings = []string{
	"null", "nil", "none", "undefined", "nan", "n/a", "na", "-", "?", "#n/a", "#ref!", "#value!", "#name?", "test", "xxx", "tbd",
}

// odd scores one value.
func odd(v string) (points int, why string) {
	switch {
	case slices.Contains(nothings, strings.ToLower(strings.TrimSpace(v))):
		return 60, "stands for nothing"
	case strings.ContainsFunc(v, unicode.IsControl):
		return 50, "has a line break or control character"
	case strings.ContainsFunc(v, invisible):
		return 45, "has an invisible character"
	case strings.ContainsAny(v, "{}<>\\\ufffd") || strings.Contains(v, "&amp;") || strings.Contains(v, "Ã"):
		return 40, "has markup or a broken encoding"
	case strings.TrimSpace(v) != v || strings.Contains(v, "  "):
		return 30, "has spaces too many"
	case mixed(v):
		return 25, "mixes scripts"
	case strings.ContainsFunc(v, func(r rune) bool { return unicode.Is(unicode.So, r) || r >= 0x1F000 }):
		return 20, "has an emoji or symbol"
	case len([]rune(v)) == 1:
		return 8, "is one character"
	case len(v) > 4 && strings.ToUpper(v) == v && strings.ToLower(v) != v && !strings.ContainsFunc(v, unicode.IsDigit):
		return 5, "is in capitals"
	}
	return 0, ""
}

// invisible reports whether r is a format character or of a plane for private use.
func invisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Co) }

var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Arabic, unicode.Hebrew}

// mixed reports whether a value has letters of two scripts that look alike or
// run in different directions.
func mixed(v string) bool {
	found := 0
	for _, s := range scripts {
		if strings.ContainsFunc(v, func(r rune) bool { return unicode.Is(s, r) }) {
			found++
		}
	}
	return found > 1
}
