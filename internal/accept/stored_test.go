package accept

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// encoded is what encoding/json makes of content.
func encoded(t interface{ Fatal(...any) }, c *dispatch.Content) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func TestStored_AsEncodingJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,20}`))
	parameter := rapid.Custom(func(t *rapid.T) dispatch.Parameter {
		p := dispatch.Parameter{Type: rapid.SampledFrom([]string{"text", "payload", ""}).Draw(t, "kind"), Text: text.Draw(t, "text")}
		if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
			p.ParameterName, p.Payload = text.Draw(t, "name"), text.Draw(t, "payload")
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		use := &dispatch.TemplateUse{
			Name: text.Draw(t, "template"), Language: dispatch.Language{Code: rapid.SampledFrom([]string{"en", "", "é"}).Draw(t, "language")},
			TemplateID: rapid.Int64Range(0, 5).Draw(t, "id"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "components") {
			c := dispatch.Component{Type: rapid.SampledFrom([]string{"body", "header", "button"}).Draw(t, "part")}
			c.Parameters = rapid.SliceOfN(parameter, 0, 4).Draw(t, "parameters")
			if c.Type == "button" {
				c.SubType, c.Index = "url", new(dispatch.Index("0"))
			}
			use.Components = append(use.Components, c)
		}
		c := &dispatch.Content{Type: dispatch.TypeTemplate, Template: use}
		if rapid.IntRange(0, 5).Draw(t, "context") == 0 {
			c.Context = &dispatch.Context{MessageID: "wamid.1"}
		}
		got, err := stored(c)
		if want := encoded(t, c); err != nil || got != want {
			t.Errorf("%s, want %s, %v", got, want, err)
		}
	})
}

// The usual template goes the short way, and costs one allocation.
func TestStored_UsualTemplate_OneAllocation(t *testing.T) {
	c := &dispatch.Content{Type: dispatch.TypeTemplate, Template: &dispatch.TemplateUse{
		Name: "order_confirmation", Language: dispatch.Language{Code: "en"}, TemplateID: 1,
		Components: []dispatch.Component{
			{Type: "body", Parameters: []dispatch.Parameter{{Type: "text", Text: "Ada"}, {Type: "text", Text: "9.90"}}},
		},
	}}
	if _, ok := appendPlain(nil, c); !ok {
		t.Fatal("goes the long way")
	}
	if n := testing.AllocsPerRun(200, func() { _, _ = stored(c) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
	if got, _ := stored(c); got != encoded(t, c) {
		t.Errorf("%s", got)
	}
}
