package accept

import "testing"

// What a jsonb column refuses must not get into a page of many callers.
func TestStorable(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		`{"a":"x","b":[1,2.5,-3e10],"c":{"d":null,"e":true}}`: true,
		`{"a":1e308}`:      true,
		`{"a":1e-20000}`:   false,
		`{"a":0e-99999}`:   false,
		`{"a":1e400}`:      false,
		`{"a":"\u0000"}`:   false,
		`{"\u0000":1}`:     false,
		`{"a":"\ud800"}`:   true,
		`["a"]`:            false,
		`{"a":["\u0000"]}`: false,
	} {
		if _, err := storable([]byte(raw)); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
