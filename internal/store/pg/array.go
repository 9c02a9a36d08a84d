package pg

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/storable"
)

// TextArray returns a Postgres text[] literal in which nil elements are NULL
// (pq.Array has no NULL in a []string).
func TextArray(in []*string) string {
	size := 2
	for _, s := range in {
		if size += room; s != nil {
			size += len(*s)
		}
	}
	b := append(make([]byte, 0, size), '{')
	for i, s := range in {
		if i > 0 {
			b = append(b, ',')
		}
		if s == nil {
			b = append(b, "NULL"...)
			continue
		}
		b = appendQuoted(b, *s)
	}
	return string(append(b, '}'))
}

// Texts returns a Postgres text[] literal. That of
// pq.Array grows, and looks at each byte twice.
func Texts(in []string) string {
	size := 2
	for _, s := range in {
		size += room + len(s)
	}
	if len(in) > 0 { // as many quotes in each, which JSON has
		size += len(in) * (strings.Count(in[0], `"`) + strings.Count(in[0], `\`))
	}
	b := append(make([]byte, 0, size), '{')
	for i, s := range in {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, s)
	}
	return string(append(b, '}'))
}

// room is what an element takes beside its text: quotes and comma, or NULL. Texts
// with quotes of their own need more, and may cost a growth.
const room = 5

// appendQuoted appends s in quotes. Pieces between quotes of JSON are short: bytes are looked at one by one.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			b = append(append(b, s[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, s[from:]...), '"')
}

// NullableArray returns a Postgres bigint[] literal in which nil elements are
// NULL.
func NullableArray(in []*int64) string {
	b := []byte{'{'}
	for i, n := range in {
		if i > 0 {
			b = append(b, ',')
		}
		if n == nil {
			b = append(b, "NULL"...)
			continue
		}
		b = strconv.AppendInt(b, *n, 10)
	}
	return string(append(b, '}'))
}

// IntArray returns a Postgres bigint[] literal.
func IntArray(in []int64) string {
	b := []byte{'{'}
	for i, n := range in {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, '}'))
}

// UUIDArray returns a Postgres uuid[] literal.
func UUIDArray(ids []uuid.UUID) string {
	b := make([]byte, 0, 38*len(ids)+2)
	b = append(b, '{')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		at := len(b)
		b = append(b, "00000000-0000-0000-0000-000000000000"...)
		hex.Encode(b[at:], id[:4])
		hex.Encode(b[at+9:], id[4:6])
		hex.Encode(b[at+14:], id[6:8])
		hex.Encode(b[at+19:], id[8:10])
		hex.Encode(b[at+24:], id[10:])
	}
	return string(append(b, '}'))
}

// Nullable returns the storable form of s, or nil (NULL) if s is empty.
func Nullable(s string) *string {
	if s == "" {
		return nil
	}
	s = storable.Clean(s)
	return &s
}

// Text returns the value of a nullable column, "" for NULL.
func Text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// lastSecond is the end of the year 9999, far within the range of timestamptz.
const lastSecond = 253_402_300_799

// Micros returns t in microseconds since 1970, limited to the years 1970 to
// 9999, or nil (NULL) for the zero time.
func Micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := min(max(t.Unix(), 0), lastSecond)*1e6 + int64(t.Nanosecond()/1000)
	return &us
}

// Since1970 returns t, or the nearest time that an id can hold: the years 1970 to
// 9999. The zero time is not one.
func Since1970(t time.Time) time.Time { return time.UnixMicro(*Micros(t)) }

// JSON encodes a value whose type always encodes; it panics otherwise.
func JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// LikeText escapes s so that it matches only itself in LIKE.
func LikeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
