package pg_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// What COPY is given comes back as it was, in rows of more than one chunk.
func TestCopy_AsGiven(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.Empty(t), 2)
	ctx := t.Context()
	type row struct {
		N    int     `db:"n"`
		A    string  `db:"a"`
		B    *string `db:"b"`
		Flag bool    `db:"flag"`
	}
	texts := []string{"", `\N`, `\.`, "\\", "a\tb\nc\rd\\e", "\b\f\v\x01", `{"q":"\"x\""}`, "é😀", strings.Repeat("long\t", 20_000)}
	var want []row
	for i := range 2000 {
		r := row{N: i, A: texts[i%(len(texts)-1)], Flag: i%2 == 0}
		if i%3 != 0 {
			r.B = &texts[(i*7)%(len(texts)-1)]
		}
		want = append(want, r)
	}
	want[1000].A = texts[len(texts)-1]
	storetest.Must(t, db.Tx(ctx, func(tx *pg.DB) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE copied (n bigint, a text, b text, flag boolean, late bigint)`)
		storetest.Must(t, err)
		values := make([]any, 5)
		return tx.Copy(ctx, "copied", []string{"n", "a", "b", "flag", "late"}, func(yield func([]any) bool) {
			for _, r := range want {
				values[0], values[1], values[2], values[3] = int64(r.N), r.A, r.B, r.Flag
				if !yield(values) {
					return
				}
			}
		})
	}))
	var got []row
	storetest.Must(t, db.SelectContext(ctx, &got, `SELECT n, a, b, flag FROM copied WHERE late IS NULL ORDER BY n`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff[:min(len(diff), 500)])
	}
}

// A row that Postgres refuses and a value that is none end the COPY with an error, and nothing of it is left.
func TestCopy_Refused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.Empty(t), 2)
	ctx := t.Context()
	_, err := db.ExecContext(ctx, `CREATE TABLE copied (n smallint)`)
	storetest.Must(t, err)
	for _, bad := range []any{int64(1 << 20), "x", 1.5} {
		err := db.Tx(ctx, func(tx *pg.DB) error {
			return tx.Copy(ctx, "copied", []string{"n"}, func(yield func([]any) bool) {
				for _, v := range []any{int64(1), bad, int64(2)} {
					if !yield([]any{v}) {
						return
					}
				}
			})
		})
		if err == nil || !strings.Contains(err.Error(), "copy") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	var n int
	if err := db.GetContext(ctx, &n, `SELECT count(*) FROM copied`); err != nil || n != 0 {
		t.Error(fmt.Sprint(n, " rows are left, ", err))
	}
	if err := db.Copy(ctx, "copied", []string{"n"}, nil); err == nil {
		t.Error("a COPY without a transaction")
	}
}
