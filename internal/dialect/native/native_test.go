package native

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Whatever comes in is decoded or refused as the client's mistake, and what is
// decoded has a content that can be kept.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"to":"+14155550100","type":"text","text":{"body":"hi"},"reference":"a","metadata":{"b":1},"lane":"otp","channel":1,"ttl":60}`,
		`{"to":"+14155550100","channel":"sms","send_at":"2026-01-02T15:04:05+05:30","expires_at":"2026-01-03T00:00:00Z","text":"hi"}`,
		`{"to":"+1","template":{"name":"order","language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text",` +
			`"text":"x"}]}]}}`,
		`{"to":"+1","type":"template","template":{"id":7,"language":"en","variables":{"name":"Ada","n":3.0},` +
			`"header_media_url":"https://example.com/a.png"}}`,
		`{"to":"+1","template":{"name":"a","variables":["Ada",1,null,true,1e400]},"fallback":[{"channel":2,"text":"hi"}],` +
			`"fallback_after_seconds":30}`,
		`{"to":"+1","type":"reaction","reaction":{"message_id":"wamid.1","emoji":"a"},"context":{"message_id":"x"},` +
			`"contact":{"first_name":"A","lists":[1]}}`,
		`[]`, `null`, `{"to":1}`, `{"to":"+1","channel":[]}`, "{\"to\":\"\\u0000\"}",
	} {
		f.Add([]byte(s))
	}
	mistakes := []dispatch.Code{dispatch.Malformed, dispatch.Invalid}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Decode(body)
		if err != nil {
			if !slices.Contains(mistakes, dispatch.CodeOf(err)) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if _, err := json.Marshal(d.Content); err != nil {
			t.Errorf("%q: its content can't be kept: %v", body, err)
		}
		d.Content.Validate()
	})
}
