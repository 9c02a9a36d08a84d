package pg

import (
	"testing"

	"github.com/lib/pq"
	"pgregory.net/rapid"
)

// The arrays that are built here are those of the driver.
func TestTexts_AsTheDriver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.String()).Draw(t, "in")
		want, err := pq.StringArray(append([]string{}, in...)).Value()
		if err != nil {
			t.Fatal(err)
		}
		if got := Texts(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		pointers := make([]*string, len(in))
		for i := range in {
			pointers[i] = &in[i]
		}
		if got := TextArray(pointers); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
	if got := TextArray([]*string{nil, new(`a"\b`)}); got != `{NULL,"a\"\\b"}` {
		t.Errorf("%q", got)
	}
}
