package meta

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

const usualAnswer = `{"messaging_product":"whatsapp","contacts":[{"input":"+15550001111","wa_id":"15550001111"}],` +
	`"messages":[{"id":"wamid.HBgLMTU1NTAwMDExMTEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA","message_status":"accepted"}]}`

// What is read as plain is what encoding/json makes of it.
func FuzzPlainAccepted_AsJSON(f *testing.F) {
	for _, s := range []string{
		usualAnswer, usualAnswer + "\n", `{"messages":[{"id":"wamid.1"}]}`, ` { "messages" : [ { "message_status" : "HELD" , "id" : "a" } ] } `,
		`{"contacts":[{"user_id":"US.1","wa_id":""}],"messages":[{"id":"x"}]}`, `{"messages":[{"id":"x","id":"y"}]}`,
		`{"messages":[{"id":"x"},{"id":"y"}]}`, `{"messages":[{"ID":"x"}]}`, `{"messages":[{"id":"x"}]}{}`,
		`{"messages":[{"id":"\u0041"}]}`,
		`{"messages":[{"id":""}]}`, `{"contacts":[],"messages":[{"id":"x"}]}`, `{"messages":[{"id":"x"}],"error":{}}`,
		`{"messages":[{"id":"ü"}]}`,
	} {
		f.Add([]byte(s))
	}
	ch := &dispatch.Channel{}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := plainAccepted(body)
		if !ok {
			return
		}
		got.HTTP = 200
		want, err := readJSON(ch, outbound.Response{Status: 200, Body: body})
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	})
}

func TestPlainAccepted_ReadsTheUsual(t *testing.T) {
	t.Parallel()
	got, ok := plainAccepted([]byte(usualAnswer))
	want := provider.Accepted{ProviderID: "wamid.HBgLMTU1NTAwMDExMTEVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA", WaID: "15550001111"}
	if !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, odd := range []string{
		``, `{}`, `[]`, `null`, `{"messages":[]}`, `{"messages":[{}]}`, `{"messages":[{"id":7}]}`, `{"messages":[{"id":"x"}]`,
		`{"messages":[{"id":"x`,
		`{"messages":[{"id":"x"}],}`, `{"messages":[{"id":"x","":"y"}]}`, `{"messages":[{"id":"x"}]}x`, `{"Messages":[{"id":"x"}]}`,
	} {
		if got, ok := plainAccepted([]byte(odd)); ok {
			t.Errorf("%s: %+v", odd, got)
		}
	}
}

// Content that goes over the wire as it stands has no member that is ours alone.
func FuzzWire_NothingOfOurs(f *testing.F) {
	for _, s := range []string{
		`{"type":"template","template":{"name":"a_b","language":"en","template_id":7}}`,
		`{"type":"text","text":{"body":"_id \"template_id\": 7"}}`,
		`{"type":"template","template":{"template_id":7,"name":"a"}}`, `{"type":"image","image":{},"more_media":[{}]}`,
		`{"type":"template","template":{"name":"a","provider_template_id":"x","template_id":7},"context":{"message_id":"wamid"}}`,
		`{"type":"template","template":{"name":",\"template_id\":7","language":"en"}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		content, rest, ok := wire(raw)
		got := content + rest
		want, wantOK := slowWire(raw)
		if ok != wantOK || (ok && got != want) {
			t.Fatalf("%q: %q, %v, want %q, %v", raw, got, ok, want, wantOK)
		}
		if ok && json.Valid([]byte(raw)) && !json.Valid([]byte("{"+got)) {
			t.Errorf("%q: %q", raw, got)
		}
	})
}

// slowWire is wire with a search for each name.
func slowWire(raw string) (string, bool) {
	if !strings.HasPrefix(raw, `{"type":`) || strings.Contains(raw, `"more_media":`) || strings.Contains(raw, `"provider_template_id":`) {
		return "", false
	}
	at := strings.LastIndex(raw, `,"template_id":`)
	if at < 0 {
		return raw[1:], !strings.Contains(raw, `"template_id":`)
	}
	rest := strings.TrimLeft(raw[at+len(`,"template_id":`):], "0123456789")
	ours := strings.HasPrefix(raw, `{"type":"template"`) && (rest == "}}" || strings.HasPrefix(rest, `},"context":`))
	return raw[1:at] + rest, ours
}

func TestAppendID_AsString(t *testing.T) {
	t.Parallel()
	for range 100 {
		if id := dispatch.NewID(); string(appendID(nil, id)) != id.String() {
			t.Errorf("%s: %s", id, appendID(nil, id))
		}
	}
}

func BenchmarkSend_OurPart(b *testing.B) {
	m := &dispatch.Message{ID: dispatch.NewID(), To: "+919876520000", Raw: `{"type":"template","template":{"name":"order_confirmation",` +
		`"language":{"code":"en"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ada"}]}],"template_id":7}}`}
	answer := outbound.Response{Status: 200, Body: []byte(usualAnswer)}
	ch := &dispatch.Channel{}
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = body(m)
		}
	})
	for name, read := range map[string]func(*dispatch.Channel, outbound.Response) (provider.Accepted, error){
		"plain": readAccepted, "json": readJSON,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = read(ch, answer)
			}
		})
	}
}
