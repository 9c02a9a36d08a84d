package person

import (
	"errors"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"+1 555-400-0600": "+15554000600", "rcs:+15550100100": "+15550100100", "whatsapp:+15550100100": "+15550100100",
		"15550100100":   "+15550100100",
		"5215512345678": "+5215512345678", "551177654321": "+551177654321", "DE.600": "DE.600", "": "", "12345": "", "HDFCBK": "", "DE.x": "",
	} {
		if got := ID(s); got != want {
			t.Errorf("ID(%q) = %q; want %q", s, got, want)
		}
	}
}

// What is no number is a recipient if a provider has named somebody by it; a look-up
// that fails is no wrong number.
func TestRecipient(t *testing.T) {
	t.Parallel()
	broken := errors.New("no answer")
	known := func(id string) (bool, error) {
		if id == "DE.7" {
			return false, broken
		}
		return id == "+5215512345678" || id == "DE.600", nil
	}
	for _, c := range []struct {
		s, region, want string
		err             error
	}{
		{"+1 555-010-0100", "", "+15550100100", nil},
		{"0151 23456789", "DE", "+4915123456789", nil},
		{"+5215512345678", "", "+5215512345678", nil},
		{"5215512345678", "", "+5215512345678", nil},
		{"DE.600", "", "DE.600", nil},
		{"DE.7", "", "", broken},
	} {
		if got, err := Recipient(c.s, c.region, known); !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("Recipient(%q) = %q, %v; want %q", c.s, got, err, c.want)
		}
	}
	for _, s := range []string{"+5215512345679", "DE.601", "HDFCBK", ""} {
		if got, err := Recipient(s, "", known); got != "" || dispatch.CodeOf(err) != dispatch.Invalid {
			t.Errorf("Recipient(%q) = %q, %v", s, got, err)
		}
	}
}
