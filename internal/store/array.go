package store

import (
	"encoding/json"
	"strconv"
	"strings"
)

// textArray is a Postgres text[] literal whose nil elements are NULL (pq.Array
// knows no NULL in a []string).
func textArray(in []*string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range in {
		if i > 0 {
			b.WriteByte(',')
		}
		if s == nil {
			b.WriteString("NULL")
			continue
		}
		b.WriteByte('"')
		for j := range len(*s) {
			c := (*s)[j]
			if c == '"' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// storable is a text without what Postgres takes in none: NUL and what is not
// UTF-8. Pages carry the texts of many, and one such would fail them all.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// intArray is a Postgres bigint[] literal whose nil elements are NULL.
func intArray(in []*int64) string {
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

// mustJSON encodes values of our own making, which always encode.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func int64Array(in []int64) string {
	b := []byte{'{'}
	for i, n := range in {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, '}'))
}
