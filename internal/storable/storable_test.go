package storable_test

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// The rule and Postgres agree: what the rule lets pass is stored, what Postgres
// refuses the rule refuses too.
func TestText_AsPostgres(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, s := range []string{"", "Ada", "a\x00b", "\x00", "\xff", "é", "e\xcc", "\U0010ffff", "\ufffe", "\u2028", `\u0000`, "\xed\xa0\x80"} {
		_, err := db.Exec(`SELECT $1::text`, s)
		if got := storable.Text(s); got != (err == nil) {
			t.Errorf("Text(%q) = %v, Postgres: %v", s, got, err)
		}
		if _, err := db.Exec(`SELECT $1::text`, storable.Clean(s)); err != nil || !storable.Text(storable.Clean(s)) {
			t.Errorf("Clean(%q) = %q: %v", s, storable.Clean(s), err)
		}
	}
}

func TestObject_AsPostgres(t *testing.T) {
	t.Parallel()
	db := open(t)
	long := strings.Repeat("9", 500)
	for raw, want := range map[string]bool{
		`{"a":"x","b":[1,2.5,-3e10],"c":{"d":null,"e":true}}`: true,
		`{"a":1e308,"b":1e-300,"c":-0.0}`:                     true,
		`{"a":"\\u0000"}`:                                     true,
		`{"a":"\ud800"}`:                                      true, // as U+FFFD
		`{"a":1e-20000}`:                                      false,
		`{"a":0e-99999}`:                                      false,
		`{"a":1e400}`:                                         false,
		`{"a":` + long + `}`:                                  false,
		`{"a":0.` + long + `}`:                                false,
		`{"a":"\u0000"}`:                                      false,
		`{"\u0000":1}`:                                        false,
		`{"a":["\u0000"]}`:                                    false,
		`{"a":1`:                                              false,
		`["a"]`:                                               false,
		`null`:                                                false,
	} {
		got, err := storable.Object(json.RawMessage(raw))
		if (err == nil) != want {
			t.Errorf("Object(%.40s): %v", raw, err)
		}
		if err != nil {
			continue
		}
		if _, err := db.Exec(`SELECT $1::jsonb`, string(got)); err != nil {
			t.Errorf("Object(%.40s) = %.40s, Postgres: %v", raw, got, err)
		}
	}
}

func TestJSONTexts(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		`{"a":"x"}`:          true,
		`{"a":"\\u0000"}`:    true,
		`{"a":"\\\\u0000"}`:  true,
		`{"a":"\u0000"}`:     false,
		`{"a":"\\\u0000"}`:   false,
		`{"a":"` + "\x00\"}": false,
		`{"a":"` + "\xff\"}": false,
	} {
		if got := storable.JSONTexts([]byte(raw)); got != want {
			t.Errorf("JSONTexts(%q) = %v", raw, got)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "abc": "abc", "abcdef": "abcd", "abcé": "abc", "a\x00bcde": "abcd", "ab\xff": "ab"} {
		if got := storable.Cut(in, 4); got != want {
			t.Errorf("Cut(%q, 4) = %q, not %q", in, got, want)
		}
	}
}
