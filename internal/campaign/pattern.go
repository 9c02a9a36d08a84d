package campaign

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// slot is one placeholder: a field, and what stands for it when it is empty.
type slot struct {
	field      string
	fallback   string
	hasDefault bool
}

// maxField bounds a field's name, in bytes.
const maxField = 200

// parseSlot reads what stands between {{ and }}: a field, or field|default.
func parseSlot(s string) (slot, error) {
	name, fallback, has := strings.Cut(s, "|")
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return slot{}, fmt.Errorf("{{%s}} names no field", s)
	case len(name) > maxField:
		return slot{}, fmt.Errorf("{{%.20s...}} is too long for a field's name", name)
	case strings.ContainsAny(s, "{}\n\r\t"):
		return slot{}, fmt.Errorf("{{%s}} is not a field: write {{field}} or {{field|default}}", s)
	}
	return slot{field: name, fallback: fallback, hasDefault: has}, nil
}

// value returns what the slot takes from a recipient's fields; ok is false when
// there is none. A field of nothing but spaces is empty.
func (s *slot) value(f *source) (v string, ok bool) {
	if v = f.get(s.field); strings.TrimSpace(v) != "" {
		return v, true
	}
	return s.fallback, s.hasDefault
}

// slots numbers the placeholders of a campaign, each once. In texts they are
// stood for by marks, runes of the planes for private use, so that whatever is
// done to the texts (resolving a template, writing JSON) keeps their places.
type slots []slot

const (
	firstMark = 0xF0000
	lastMark  = 0x10FFFD
	maxSlots  = 1000
)

// linkHost stands before a mark that begins a link, which would not be one
// otherwise. The top-level domain is reserved (RFC 2606).
const linkHost = "https://placeholder.invalid/"

// mark replaces the placeholders of a text by marks.
func (ss *slots) mark(text string) (string, error) {
	for _, r := range text {
		if r >= firstMark {
			return "", fmt.Errorf("%U is a character for private use", r)
		}
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", fmt.Errorf("{{ is not closed by }}")
		}
		s, err := parseSlot(inner)
		if err != nil {
			return "", err
		}
		n, err := ss.number(s)
		if err != nil {
			return "", err
		}
		b.WriteRune(rune(firstMark + n))
		text = after
	}
}

// number returns the number of s, a new one if need be.
func (ss *slots) number(s slot) (int, error) {
	for i := range *ss {
		if (*ss)[i] == s {
			return i, nil
		}
	}
	if len(*ss) == maxSlots {
		return 0, fmt.Errorf("there are more than %d placeholders", maxSlots)
	}
	*ss = append(*ss, s)
	return len(*ss) - 1, nil
}

// marked reports whether text has a mark.
func marked(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= firstMark && r <= lastMark }) >= 0
}

// pattern is a text that is cut at its marks: literal[0], slot[0], literal[1]
// and so on.
type pattern struct {
	literal []string
	slot    []int
	bytes   int // of the literals
	runes   int
}

// newPattern cuts a text at its marks.
func newPattern(text string) pattern {
	var p pattern
	for {
		i := strings.IndexFunc(text, func(r rune) bool { return r >= firstMark && r <= lastMark })
		if i < 0 {
			break
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		p.add(strings.TrimSuffix(text[:i], linkHost))
		p.slot = append(p.slot, int(r)-firstMark)
		text = text[i+size:]
	}
	p.add(text)
	return p
}

func (p *pattern) add(literal string) {
	p.literal = append(p.literal, literal)
	p.bytes += len(literal)
	p.runes += utf8.RuneCountInString(literal)
}

// fill appends the text with the values in place; escape writes each as JSON.
func (p *pattern) fill(dst []byte, values []string, escape bool) []byte {
	for i, n := range p.slot {
		dst = append(dst, p.literal[i]...)
		if escape {
			dst = appendJSON(dst, values[n])
		} else {
			dst = append(dst, values[n]...)
		}
	}
	return append(dst, p.literal[len(p.slot)]...)
}

// appendJSON appends s as it stands within the quotes of a JSON text, as
// encoding/json writes it without the escapes for HTML.
func appendJSON(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for _, r := range s { // what is no UTF-8 becomes U+FFFD, as there
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[r>>4], hex[r&15])
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, `\u202`...)
			dst = strconv.AppendInt(dst, int64(r&15), 16)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
