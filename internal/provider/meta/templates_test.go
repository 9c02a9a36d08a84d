package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

func newClient() *meta.Client { return meta.New(outbound.New(outbound.Options{})) }

func TestTemplates_AreReadAsTheRegistryHoldsThem(t *testing.T) {
	t.Parallel()
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Path + " " + r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"data":[
			{"id":"1","name":"order_ready","language":"en_US","status":"APPROVED","category":"UTILITY","parameter_format":"NAMED","components":[
				{"type":"HEADER","format":"IMAGE","example":{"header_handle":["x"]}},
				{"type":"BODY","text":"Hi {{name}}","example":{"body_text_named_params":[{"param_name":"name","example":"Ann"}]}},
				{"type":"BUTTONS","buttons":[{"type":"URL","text":"Open","url":"https://x.test/{{1}}","example":["a"]}]},
				{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"Soon","has_expiration":true}},
				{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"GIF"}]}]}]},
			{"id":"2","name":"old","language":"de","status":"PENDING_DELETION","category":"MARKETING","components":[{"type":"BODY",
			"text":"Hallo {{1}}"}]},
			{"id":"3","name":"new","language":"de","status":"IN_APPEAL","category":"AUTHENTICATION","components":[]}
		],"paging":{"cursors":{"before":"a","after":"b"}}}`))
	}))
	defer s.Close()
	ts, err := newClient().Templates(t.Context(), channel(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	want := []template.Template{
		{
			Name:            "order_ready",
			Language:        "en_US",
			Status:          "approved",
			Category:        "utility",
			ParameterFormat: "named",
			Components: []template.Component{
				{Type: "HEADER", Format: "IMAGE", Example: json.RawMessage(`{"header_handle":["x"]}`)},
				{Type: "BODY", Text: "Hi {{name}}", Example: json.RawMessage(`{"body_text_named_params":[{"param_name":"name","example":"Ann"}]}`)},
				{Type: "BUTTONS", Buttons: []template.Button{{
					Type: "URL", Text: "Open", URL: "https://x.test/{{1}}", Example: json.RawMessage(`["a"]`),
				}}},
				{Type: "LIMITED_TIME_OFFER", Offer: &template.Offer{Text: "Soon", HasExpiration: new(true)}},
				{Type: "CAROUSEL", Cards: []template.Card{{Components: []template.Component{{Type: "HEADER", Format: "GIF"}}}}},
			},
		},
		{
			Name:            "old",
			Language:        "de",
			Status:          "disabled",
			Category:        "marketing",
			ParameterFormat: "positional",
			Components:      []template.Component{{Type: "BODY", Text: "Hallo {{1}}"}},
		},
		{
			Name:            "new",
			Language:        "de",
			Status:          "pending",
			Category:        "authentication",
			ParameterFormat: "positional",
			Components:      []template.Component{},
		},
	}
	if diff := cmp.Diff(want, ts, cmpopts.IgnoreUnexported(template.Template{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got != "/v25.0/102290129340398/message_templates Bearer EAAB-token-of-tests" {
		t.Errorf("asked %s", got)
	}
}

func TestTemplates_AllPagesOfTheEmulator(t *testing.T) {
	t.Parallel()
	many := make([]template.Template, 250)
	for i := range many {
		many[i] = template.Template{
			Name: fmt.Sprintf("t%03d", i), Language: "en", Status: "approved", Category: "utility", ParameterFormat: "positional",
			Components: []template.Component{{Type: "BODY", Text: "Hi {{1}}"}},
		}
	}
	emu := emulator.New(emulator.Options{Templates: many})
	h := httptest.NewServer(emu)
	t.Cleanup(func() {
		h.Close()
		_ = emu.Close(context.WithoutCancel(t.Context()))
	})
	ch := channel(h.URL)
	emu.Register(ch)
	ts, err := newClient().Templates(t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(many, ts, cmpopts.IgnoreUnexported(template.Template{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTemplates_EndlessList_Stops(t *testing.T) {
	t.Parallel()
	one := `{"name":"a","language":"en","status":"APPROVED","category":"UTILITY"}`
	full := strings.TrimSuffix(strings.Repeat(one+",", 100), ",")
	for name, cursor := range map[string]func(n int32) string{
		"always another cursor": func(n int32) string { return fmt.Sprint(n) },
		"the same cursor":       func(int32) string { return "same" },
	} {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := calls.Add(1)
			_, _ = fmt.Fprintf(w, `{"data":[%s],"paging":{"cursors":{"after":%q},"next":"http://%s/elsewhere"}}`, full, cursor(n), r.Host)
		}))
		ts, err := newClient().Templates(t.Context(), channel(s.URL))
		s.Close()
		if err != nil || len(ts) > 10_000 || calls.Load() > 100 {
			t.Errorf("%s: %d templates in %d calls, err %v", name, len(ts), calls.Load(), err)
		}
	}
}

func TestTemplates_Refused_TellsWhy(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]provider.Kind{
		graphError(190, ""): provider.Denied, graphError(80008, ""): provider.Throttled, "<html>": provider.Permanent,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(body))
		}))
		_, err := newClient().Templates(t.Context(), channel(s.URL))
		s.Close()
		if err == nil || provider.AsError(err).Kind != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
	ch := channel("")
	ch.Settings["waba_id"] = ""
	if _, err := newClient().Templates(t.Context(), ch); err == nil {
		t.Error("a channel without waba_id has templates")
	}
}

func TestCheck_FindsTheNumber(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{
		`{"id":"106540352242922","display_phone_number":"+1 555"}`: true,
		`{"id":"999"}`: false,
		`<html>`:       false,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		err := newClient().Check(t.Context(), channel(s.URL))
		s.Close()
		if (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
	ch := channel("")
	ch.Settings["phone_number_id"] = ""
	if err := newClient().Check(t.Context(), ch); err == nil {
		t.Error("a channel without phone_number_id passes")
	}
}
