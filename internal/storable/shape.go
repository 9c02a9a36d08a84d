package storable

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// MaxDepth is the deepest nesting of JSON that is taken: that of Postgres' jsonb is
// limited.
const MaxDepth = 100

// Shape returns where valid JSON has a name twice in one object, of which decoders
// would each take another one, or nests deeper than MaxDepth, and what is wrong
// there, as a JSON pointer and a sentence without a subject. Both are empty if
// nothing is.
func Shape(body []byte) (at, fault string) {
	s := shape{body: body}
	for s.at < len(body) && s.fault == "" {
		s.step()
	}
	return s.place, s.fault
}

// level is an object or an array that is not closed yet.
type level struct {
	object bool
	key    bool // the next text is a name
	names  []string
	seen   map[string]bool // of an object with many names
	index  int             // of the present element of an array
}

// manyNames is the number of names from which they are looked up instead of
// compared.
const manyNames = 16

type shape struct {
	body         []byte
	at           int
	open         []level
	place, fault string
}

func (s *shape) top() *level {
	if len(s.open) == 0 {
		return &level{}
	}
	return &s.open[len(s.open)-1]
}

// step reads one character, or a whole text.
func (s *shape) step() {
	c := s.body[s.at]
	s.at++
	switch c {
	case '{', '[':
		if len(s.open) > MaxDepth {
			s.place, s.fault = s.pointer(), "nests deeper than "+strconv.Itoa(MaxDepth)+" levels"
			return
		}
		s.open = append(s.open, level{object: c == '{', key: c == '{'})
	case '}', ']':
		if len(s.open) > 0 {
			s.open = s.open[:len(s.open)-1]
		}
	case ',':
		l := s.top()
		l.key = l.object
		l.index++
	case ':':
		s.top().key = false
	case '"':
		if text := s.text(); s.top().key {
			s.name(text)
		}
	}
}

// text returns the text that begins before s.at, as it stands, and goes behind it.
func (s *shape) text() []byte {
	from := s.at
	for s.at < len(s.body) && s.body[s.at] != '"' {
		if s.body[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	to := min(s.at, len(s.body))
	s.at = to + 1
	return s.body[from:to]
}

func (s *shape) name(raw []byte) {
	name := string(raw)
	if strings.IndexByte(name, '\\') >= 0 {
		_ = json.Unmarshal([]byte(`"`+name+`"`), &name) // a fault is for the decoder
	}
	l := s.top()
	if l.has(name) {
		l.names = append(l.names, name)
		s.place, s.fault = s.pointer(), "is given twice"
		return
	}
	l.names = append(l.names, name)
}

// has reports whether the object has the name.
func (l *level) has(name string) bool {
	if len(l.names) < manyNames {
		return slices.Contains(l.names, name)
	}
	if l.seen == nil {
		l.seen = make(map[string]bool, 2*manyNames)
		for _, n := range l.names {
			l.seen[n] = true
		}
	}
	had := l.seen[name]
	l.seen[name] = true
	return had
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// pointer returns the place of the present name or element.
func (s *shape) pointer() string {
	var b strings.Builder
	for i := range s.open {
		l := &s.open[i]
		switch {
		case !l.object:
			b.WriteString("/" + strconv.Itoa(l.index))
		case len(l.names) > 0:
			b.WriteString("/" + escape.Replace(l.names[len(l.names)-1]))
		}
	}
	return b.String()
}
