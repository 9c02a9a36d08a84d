package pg_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// A record has what was put in, in binary form and, with a URL that asks for none, as text.
func TestRecord_HasWhatWasPutIn(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	id, at := uuid.New(), time.Date(1999, 12, 31, 23, 59, 59, 123456000, time.UTC)
	const odd = "\"a\\ä€😀\n\t,"
	for name, url := range map[string]string{"binary": url, "text": url + "&binary_parameters=no"} {
		db, err := pg.Open(pg.Options{URL: url, MaxConns: 1, Application: "test"})
		storetest.Must(t, err)
		t.Cleanup(db.Close)
		read := func(columns string, args ...any) *pg.Fields {
			t.Helper()
			var raw []byte
			storetest.Must(t, db.GetPrepared(context.Background(), &raw, `SELECT `+pg.Record(columns), args...))
			f := pg.ReadRecord(raw)
			return &f
		}
		f := read(`$1::uuid, $2::bigint, -1::integer, (-2)::smallint, true, false, $3::timestamptz, $4::text, NULL::text, $4::text,
		  '(66051,1029)'::tid`,
			id.String(), int64(math.MinInt64), at, odd)
		if n := f.Len(); n != 11 {
			t.Errorf("%s: %d columns", name, n)
		}
		got := []any{f.ID(), f.Int8(), f.Int4(), f.Int2(), f.Bool(), f.Bool(), f.Time(), f.Text(), f.NullText() == nil, *f.NullText(), f.TID()}
		for i, want := range []any{id, int64(math.MinInt64), int32(-1), int16(-2), true, false, at, odd, true, odd, pg.TID{0, 1, 2, 3, 4, 5}} {
			if got[i] != want {
				t.Errorf("%s, column %d: %v, want %v", name, i, got[i], want)
			}
		}
		if f.Err() != nil || f.Len() != 0 {
			t.Errorf("%s: %v, %d columns left", name, f.Err(), f.Len())
		}
		for what, wrong := range map[string]func(f *pg.Fields){
			`1::bigint`:                 func(f *pg.Fields) { f.Int4() },
			`1::integer`:                func(f *pg.Fields) { f.Int8() },
			`NULL::bigint`:              func(f *pg.Fields) { f.Int8() },
			`NULL::tid`:                 func(f *pg.Fields) { f.TID() },
			`NULL::text`:                func(f *pg.Fields) { f.Text() },
			`'infinity'::timestamptz`:   func(f *pg.Fields) { f.Time() },
			`'too few'::text`:           func(f *pg.Fields) { f.Text(); f.NullText() },
			`'a text'::text, 1::bigint`: func(f *pg.Fields) { f.ID(); f.Int8() },
		} {
			if f := read(what); f.Err() == nil {
				if wrong(f); f.Err() == nil {
					t.Errorf("%s: %s was read as something else", name, what)
				}
			}
		}
	}
	const aText = "\x00\x00\x00\x01\x00\x00\x00\x19"
	for _, raw := range []string{"", aText[:4], aText, aText + "\x00\x00\x00\x05abcd", aText + "\x80\x00\x00\x00abcd"} {
		if f := pg.ReadRecord([]byte(raw)); f.Text() != "" || f.Err() == nil {
			t.Errorf("%q was read", raw)
		}
	}
}
