package native

import (
	"encoding/json"
	"slices"
	"strings"
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

// A name that stands twice is refused wherever it stands: which of the two counts
// would depend on the reader. So is JSON that Postgres could not keep.
func TestDecode_NamesTwice_AndDepth_AreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for body, at := range map[string]string{
		`{"to":"+15550000100","to":"+15550000101","type":"text","text":{"body":"x"}}`:                                   "/to",
		`{"to":"+15550000100","type":"text","text":{"body":"x","body":"y"}}`:                                            "/text/body",
		`{"to":"+15550000100","type":"text","text":{"body":"x"},"metadata":{"a":1,"a":2}}`:                              "/metadata/a",
		`{"to":"+15550000100","type":"template","template":{"name":"x","language":"en","variables":{"a":"1","a":"2"}}}`: "/template/variables/a",
		`{"to":"+15550000100","type":"text","text":{"body":"x"},"metadata":{"a":` + deep + `}}`: "/metadata/a" +
			strings.Repeat("/0", 98),
		`{"to":"+15550000100","type":"text","text":{"body":"x"},"fallback":[{"type":"text","type":"text"}]}`: "/fallback/0/type",
	} {
		_, err := Decode([]byte(body))
		if e := dispatch.AsError(err); err == nil || e.Code != dispatch.Invalid || len(e.Faults) != 1 || e.Faults[0].Field != at {
			t.Errorf("%.90s: %v, want a fault of %s", body, err, at)
		}
	}
}
