package pg_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Postgres reads each column as what was put in, in binary form and, with a URL that asks
// for none, as text.
func TestColumns_PostgresReadsWhatWasPutIn(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	text, n := func(s string) *string { return &s }, func(i int64) *int64 { return &i }
	odd := []string{
		"", `"`, `\`, `{a,"b\"}`, "NULL", "null", "ä€😀\n\t", " x ",
		`{"type":"text","text":{"body":"a \"b\""}}`, strings.Repeat("x", 3000),
	}
	nullable := []*string{nil, text(""), text("NULL"), nil, text(`a"\b`)}
	ids := []uuid.UUID{uuid.New(), {}, uuid.New()}
	numbers := []int64{0, -1, 1, math.MaxInt16, math.MinInt16}
	for name, url := range map[string]string{"binary": url, "text": url + "&binary_parameters=no"} {
		db, err := pg.Open(pg.Options{URL: url, MaxConns: 1, Application: "test"})
		storetest.Must(t, err)
		t.Cleanup(db.Close)
		for _, c := range []struct {
			typ    string
			column any
			want   []string // elements as Postgres writes them; "\x00" for NULL
		}{
			{"text", pg.TextColumn(odd), odd},
			{"text", pg.TextColumn{}, nil},
			{"text", pg.NullTextColumn(nullable), []string{"\x00", "", "NULL", "\x00", `a"\b`}},
			{"text", pg.NullTextColumn{text("a")}, []string{"a"}},
			{"uuid", pg.IDColumn(ids), []string{ids[0].String(), ids[1].String(), ids[2].String()}},
			{"uuid", pg.IDColumn(nil), nil},
			{
				"bigint", pg.Int8Column(append([]int64{math.MaxInt64, math.MinInt64}, numbers...)),
				append([]string{fmt.Sprint(math.MaxInt64), fmt.Sprint(math.MinInt64)}, texts(numbers)...),
			},
			{
				"integer", pg.Int4Column(append([]int64{math.MaxInt32, math.MinInt32}, numbers...)),
				append([]string{fmt.Sprint(math.MaxInt32), fmt.Sprint(math.MinInt32)}, texts(numbers)...),
			},
			{"smallint", pg.Int2Column(numbers), texts(numbers)},
			{"bigint", pg.NullInt8Column{nil, n(7), nil}, []string{"\x00", "7", "\x00"}},
			{"boolean", pg.BoolColumn{true, false, true}, []string{"true", "false", "true"}},
			{"boolean", pg.BoolColumn{}, nil},
			{"double precision", pg.FloatColumn{0, -1.5, 1e-9, 1e300}, []string{"0", "-1.5", "1e-09", "1e+300"}},
			{"double precision", pg.FloatColumn{}, nil},
			{"tid", pg.TIDColumn{{}, {0, 0, 0, 7, 0, 1}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, []string{"(0,0)", "(7,1)", "(4294967295,65535)"}},
			{"tid", pg.TIDColumn{}, nil},
		} {
			query := fmt.Sprintf(`SELECT CASE WHEN e IS NULL THEN '00' ELSE encode(convert_to(e::text, 'UTF8'), 'hex') || '-' END
  FROM unnest($1::%s[]) WITH ORDINALITY AS t(e, i) ORDER BY i`, c.typ)
			var want []string
			for _, w := range c.want {
				if w == "\x00" {
					want = append(want, "00")
				} else {
					want = append(want, fmt.Sprintf("%x-", w))
				}
			}
			for _, prepared := range []bool{false, true} {
				var got []string
				if prepared {
					err = db.SelectPrepared(t.Context(), &got, query, c.column)
				} else {
					err = db.SelectContext(t.Context(), &got, query, c.column)
				}
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%s %s[] %v: %v %s", name, c.typ, c.column, err, diff)
				}
			}
		}
		for typ, column := range map[string]any{
			"smallint": pg.Int2Column{math.MaxInt16 + 1}, "integer": pg.Int4Column{math.MinInt32 - 1},
		} {
			_, err := db.ExecContext(context.Background(), "SELECT $1::"+typ+"[]", column)
			e, ok := errors.AsType[*pq.Error](err)
			if !ok || e.Code != "22003" || !pg.Poisoned(pg.Wrap("x", err)) {
				t.Errorf("%s %s: %v", name, typ, err)
			}
		}
	}
}

func texts(ns []int64) []string {
	out := make([]string, 0, len(ns))
	for _, n := range ns {
		out = append(out, fmt.Sprint(n))
	}
	return slices.Clip(out)
}

func BenchmarkColumns(b *testing.B) {
	contents, ids := make([]string, 25), make([]uuid.UUID, 25)
	for i := range contents {
		ids[i] = uuid.New()
		contents[i] = `{"type":"template","template":{"name":"order_confirmation","language":{"code":"en"},"components":[{"type":"body",` +
			`"parameters":[{"type":"text","text":"Ada"},{"type":"text","text":"A-1"},{"type":"text","text":"9.90"}]}],"template_id":1}}`
	}
	b.Run("text", func(b *testing.B) {
		for b.Loop() {
			_, _ = pg.Texts(contents), pg.UUIDArray(ids)
		}
	})
	b.Run("binary", func(b *testing.B) {
		for b.Loop() {
			_, _ = pg.TextColumn(contents).BinaryValue()
			_, _ = pg.IDColumn(ids).BinaryValue()
		}
	})
}
