package person

import "testing"

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
