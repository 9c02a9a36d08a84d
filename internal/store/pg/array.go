package pg

import (
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
	var b strings.Builder
	size := 2
	for _, s := range in {
		if size += room; s != nil {
			size += len(*s)
		}
	}
	b.Grow(size)
	b.WriteByte('{')
	for i, s := range in {
		if i > 0 {
			b.WriteByte(',')
		}
		if s == nil {
			b.WriteString("NULL")
			continue
		}
		writeQuoted(&b, *s)
	}
	b.WriteByte('}')
	return b.String()
}

// Texts returns a Postgres text[] literal. It takes one allocation; that of
// pq.Array grows, and is copied.
func Texts(in []string) string {
	var b strings.Builder
	size := 2
	for _, s := range in {
		size += room + len(s)
	}
	b.Grow(size)
	b.WriteByte('{')
	for i, s := range in {
		if i > 0 {
			b.WriteByte(',')
		}
		writeQuoted(&b, s)
	}
	b.WriteByte('}')
	return b.String()
}

// room is what an element takes beside its text: quotes and comma, or NULL. Texts
// with quotes of their own, as JSON has, need more, and may cost a growth.
const room = 5

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for {
		at := strings.IndexAny(s, `"\`)
		if at < 0 {
			break
		}
		b.WriteString(s[:at])
		b.WriteByte('\\')
		b.WriteByte(s[at])
		s = s[at+1:]
	}
	b.WriteString(s)
	b.WriteByte('"')
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
		b = append(b, id.String()...)
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
