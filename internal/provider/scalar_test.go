package provider_test

import (
	"encoding/json"
	"testing"

	"github.com/sendoff/sendoff/internal/provider"
)

func TestScalar_IsATextWhateverWasWritten(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"a"`: "a", `"A\u00e9\"\n"`: "Aé\"\n", `""`: "", `131026`: "131026", `1.50`: "1.50", `12345678901234567890`: "12345678901234567890",
		`null`: "", `true`: "", `{}`: "", `[1]`: "",
	} {
		var s provider.Scalar = "before"
		if err := json.Unmarshal([]byte(raw), &s); err != nil || string(s) != want {
			t.Errorf("%s is %q, %v; want %q", raw, s, err, want)
		}
	}
}
