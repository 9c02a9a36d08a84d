package middleware_test

import (
	"net/url"
	"testing"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int64{
		"": 0, "n=": 0, "other=7": 0, "n=1": 1, "n=7&n=8": 7, "n=9223372036854775807": 9223372036854775807, "n=%2B7": 7,
		"n=0": -1, "n=-1": -1, "n=x": -1, "n=1.0": -1, "n=1e2": -1, "n=+7": -1, "n=9223372036854775808": -1,
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var faults dispatch.Faults
		got := middleware.Whole(q, "n", &faults)
		if want < 0 {
			e := dispatch.AsError(faults.Err())
			if got != 0 || e.Code != dispatch.Invalid || len(e.Faults) != 1 || e.Faults[0].Field != "/n" {
				t.Errorf("%q is %d, %+v", query, got, e)
			}
			continue
		}
		if got != want || faults.Err() != nil {
			t.Errorf("%q is %d, want %d, %v", query, got, want, faults.Err())
		}
	}
}
