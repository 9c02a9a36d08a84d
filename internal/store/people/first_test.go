package people_test

import (
	"slices"
	"testing"

	"github.com/sendoff/sendoff/worker/workertest"
)

// One id stands for all of a person's, whichever is asked for and in any order.
func TestIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	workertest.Must(t, f.people.LinkAll(t.Context(), f.Account, [][]string{
		{"+5511977654321", "+551177654321", "BR.2000"}, {"DE.9", "DE.10"},
	}))
	got, err := f.people.FirstIDsOf(t.Context(), f.Account, []string{
		"BR.2000", "+15550000001", "+5511977654321", "BR.2000", "DE.9", "DE.10", "+551177654321",
	})
	want := []string{"+551177654321", "+15550000001", "+551177654321", "+551177654321", "DE.10", "DE.10", "+551177654321"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := f.people.FirstIDsOf(t.Context(), f.Account+1, []string{"BR.2000"}); err != nil || got[0] != "BR.2000" {
		t.Errorf("in another account %v, %v", got, err)
	}
	if got, err := f.people.FirstIDsOf(t.Context(), f.Account, nil); err != nil || len(got) != 0 {
		t.Errorf("of nobody %v, %v", got, err)
	}
}
