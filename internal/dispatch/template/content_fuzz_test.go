package template

import (
	"encoding/json"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Any JSON may come in; checking and resolving it must not panic.
func FuzzContent(f *testing.F) {
	for _, s := range []string{
		`{"type":"text","text":{"body":"hi"}}`,
		`{"type":"interactive","interactive":{"type":"list","header":{"type":"image"},"action":{"sections":[{"rows":[{}]}]}}}`,
		`{"type":"template","template":{"name":"a","language":"en","components":[{"type":"BUTTON","sub_type":"url","index":0,` +
			`"parameters":[{"type":"text","text":"x"}]}]}}`,
		`{"type":"contacts","contacts":[null]}`,
		`{"type":"interactive","interactive":{"type":"flow","action":{"parameters":null}}}`,
	} {
		f.Add([]byte(s))
	}
	templates := testTemplates()
	f.Fuzz(func(t *testing.T, b []byte) {
		var c dispatch.Content
		if json.Unmarshal(b, &c) != nil {
			return
		}
		c.Validate()
		c.ValidateSMS()
		if c.Template == nil {
			return
		}
		for _, template := range templates {
			use := *c.Template
			if template.Resolve(&use, nil) == nil {
				again := use
				if err := template.Resolve(&again, nil); err != nil {
					t.Errorf("%s: what Resolve made, it refuses: %v", template.Name, err)
				}
			}
			template.Preview(&use)
		}
	})
}
