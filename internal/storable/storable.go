// Package storable holds the one rule for what Postgres stores as text and as
// jsonb. Many messages are written in one statement, so a value that Postgres
// refuses would fail those of others too: it is refused or cleaned before.
package storable

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text reports whether Postgres stores s as text: UTF-8 without NUL (chapter
// "Character Types" of its manual).
func Text(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Clean returns s as Postgres stores it: NUL is removed and invalid UTF-8
// replaced by U+FFFD.
func Clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// Cut returns the beginning of Clean(s), at most n bytes long and ending with a
// whole character.
func Cut(s string, n int) string {
	s = Clean(s[:min(len(s), 4*n)])
	return strings.ToValidUTF8(s[:min(len(s), n)], "")
}

// JSONTexts reports whether Postgres stores all texts of a JSON value: UTF-8
// without NUL, also where it is written as \u0000.
func JSONTexts(body []byte) bool {
	return utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 && !escapedNUL(body)
}

func escapedNUL(body []byte) bool {
	for {
		i := bytes.Index(body, []byte(`\u0000`))
		if i < 0 {
			return false
		}
		slashes := 1 // an even number of them is text about an escape
		for i-slashes >= 0 && body[i-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 1 {
			return true
		}
		body = body[i+1:]
	}
}

// maxDigits bounds a JSON number, in characters and as an exponent. Every number
// of a float64 is within it; a numeric of Postgres ends at 131,072 digits before
// and 16,383 after the point.
const maxDigits = 400

// Number reports whether a JSON number is one that both a float64 and Postgres'
// jsonb hold. 1e-20000 is zero for Go and out of range for Postgres.
func Number(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err != nil || len(s) >= maxDigits {
		return false
	}
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return true
	}
	n, err := strconv.Atoi(s[i+1:])
	return err == nil && max(n, -n) < maxDigits
}
