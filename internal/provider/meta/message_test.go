package meta

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Whatever is stored, carrying it over equals decoding and encoding it.
func TestBody_CarriedOver_IsTheSame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stored string
		direct bool // carried over as it stands
	}{
		"text": {`{"type":"text","text":{"body":"a \"template_id\": & <b>, \\u00e9","preview_url":true}}`, true},
		"template": {`{"type":"template","template":{"name":"order","language":{"code":"en"},"components":[{"type":"body",` +
			`"parameters":[{"type":"text","text":",\"template_id\":7}}"}]}],"template_id":12}}`, true},
		"template as a reply": {`{"type":"template","template":{"name":"order","language":{"code":"en"},"template_id":1},` +
			`"context":{"message_id":"wamid.A"}}`, true},
		"template without our id": {`{"type":"template","template":{"name":"order","language":{"code":"en"}}}`, true},
		"template of a provider id": {`{"type":"template","template":{"name":"order","language":{"code":"en"},"template_id":1,` +
			`"provider_template_id":"HX1"}}`, false},
		"nothing but our id": {`{"type":"template","template":{"template_id":1}}`, false},
		"an id of the client's": {`{"type":"template","template":{"name":"order","language":{"code":"en"},"components":[{"type":"button",` +
			`"sub_type":"flow","index":"0","parameters":[{"type":"action","action":{"flow_token":"x","template_id":5}}]}]}}`, false},
		"both ids": {`{"type":"template","template":{"name":"order","language":{"code":"en"},"components":[{"type":"button",` +
			`"sub_type":"flow","index":"0","parameters":[{"type":"action","action":{"a":1,"template_id":5}}]}],"template_id":1}}`, true},
		"further media": {`{"type":"image","image":{"link":"https://a.example/1.png"},` +
			`"more_media":[{"link":"https://a.example/2.png"}]}`, false},
		"interactive with an id": {`{"type":"contacts","contacts":[{"name":{"formatted_name":"A"},"x":1,"template_id":5}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, direct := wire(c.stored); direct != c.direct {
				t.Errorf("carried over: %v; want %v", direct, c.direct)
			}
			m := &dispatch.Message{ID: uuid.Must(uuid.NewV7()), To: "+15550000100", Raw: c.stored}
			got, err := body(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Load(); err != nil {
				t.Fatal(err)
			}
			want, err := encode(NewMessage(m))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, want), decoded(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

func BenchmarkBody(b *testing.B) {
	const stored = `{"type":"template","template":{"name":"order_confirmation","language":{"code":"en"},"components":[{"type":"body",` +
		`"parameters":[{"type":"text","text":"Ada"},{"type":"text","text":"A-17"},{"type":"text","text":"9.90"}]}],"template_id":1}}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := body(&dispatch.Message{ID: uuid.Max, To: "+15550000100", Raw: stored}); err != nil {
			b.Fatal(err)
		}
	}
}

// A user id goes in recipient, in place of to, whichever way the body is made.
func TestBody_UserID(t *testing.T) {
	t.Parallel()
	text := dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "x"}}
	for _, m := range []*dispatch.Message{{To: "DE.2000", Content: text}, {To: "DE.2000", Raw: `{"type":"text","text":{"body":"x"}}`}} {
		b, err := body(m)
		var got map[string]any
		if err != nil || json.Unmarshal(b, &got) != nil || got["recipient"] != "DE.2000" || got["to"] != nil {
			t.Errorf("%s, %v", b, err)
		}
	}
}
