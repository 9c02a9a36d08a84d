package campaign

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// ParseFields reads a JSON object as Fields.UnmarshalJSON does. plain reports that
// all of its values are texts. An object of texts without escapes, as nearly all
// are, is read in one pass; its texts share the memory of text.
func ParseFields(text string) (f Fields, plain bool, err error) {
	if f, ok := plainFields(text); ok {
		return f, true, nil
	}
	err = json.Unmarshal([]byte(text), &f)
	return f, false, err
}

func plainFields(text string) (Fields, bool) {
	var room [16]Field
	fields, ok := ParsePlain(room[:0], text)
	if !ok {
		return nil, false
	}
	f := make(Fields, len(fields)+1) // and a name
	for _, field := range fields {
		f[field.Name] = field.Value
	}
	return f, true
}

// Plain are fields of texts, as they stand in an object: of two of one name the last one counts.
type Plain []Field

// Field is a field that is a text.
type Field struct{ Name, Value string }

// ParsePlain appends the fields of an object of texts without escapes to p; they share the memory of text. Of any other
// text ok is false.
func ParsePlain(p Plain, text string) (fields Plain, ok bool) {
	s, open := strings.CutPrefix(text, "{")
	s, closed := strings.CutSuffix(s, "}")
	if !open || !closed || !utf8.ValidString(s) {
		return nil, false
	}
	for more := s != ""; more; {
		name, rest, ok := plainText(skipSpaces(s))
		if !ok || !strings.HasPrefix(rest, ":") {
			return nil, false
		}
		value, rest, ok := plainText(skipSpaces(rest[1:]))
		if !ok {
			return nil, false
		}
		p = append(p, Field{name, value})
		if s, more = strings.CutPrefix(rest, ","); !more && rest != "" {
			return nil, false
		}
	}
	return p, true
}

// Get returns the value of a field, "" if there is none.
func (p Plain) Get(name string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Name == name {
			return p[i].Value
		}
	}
	return ""
}

// plainText reads the text without escapes with which s begins.
func plainText(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], skipSpaces(s[i+1:]), true
		case c == '\\' || c < ' ':
			return "", s, false
		}
	}
	return "", s, false
}

func skipSpaces(s string) string { return strings.TrimLeft(s, " ") }

// AddField returns a JSON object, of which no text is after the last value, with
// another text. A field of that name that it has already counts no more.
func AddField(object, name, value string) string {
	quoted := `"` + value + `"`
	if _, rest, ok := plainText(quoted); !ok || rest != "" || !utf8.ValidString(value) {
		b, _ := json.Marshal(value) // a text: cannot fail
		quoted = string(b)
	}
	separator := ","
	if object == "{}" {
		separator = ""
	}
	return strings.TrimSuffix(object, "}") + separator + `"` + name + `":` + quoted + "}"
}
