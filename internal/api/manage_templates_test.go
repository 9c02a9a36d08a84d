package api_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
)

func order() m {
	return m{"name": "order", "language": "en", "category": "utility", "components": []m{
		{"type": "header", "format": "image"},
		{"type": "body", "text": "Hi {{1}}, order {{2}}.", "variables": []string{"who", "order"}},
		{"type": "buttons", "buttons": []m{{"type": "url", "text": "Track", "url": "https://example.com/{{1}}"}}},
	}}
}

func TestTemplates_Life(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.do("POST", "/v1/templates", order())
	made := r.want(http.StatusCreated)
	path := "/v1/templates/" + made.id()
	if r.header.Get("Location") != path || made.text("variables") != "[who order button_1]" || made.text("status") != "approved" || made.text("parameter_format") != "positional" || made.text("usage_count") != "0" {
		t.Errorf("made: %s", r.body)
	}
	f.do("POST", "/v1/templates", order()).refused(http.StatusConflict, dispatch.Conflict)
	changed := f.do("PATCH", path, m{"status": "paused", "channel_id": f.channel.ID}).want(200)
	if changed.text("status") != "paused" || changed.text("channel_id") != "1" || len(changed["components"].([]any)) != 3 {
		t.Errorf("changed: %v", changed)
	}
	named := f.do("PATCH", path, m{"channel_id": nil, "components": []m{{"type": "BODY", "text": "Hi {{name}}"}}}).want(200)
	if named.text("parameter_format") != "named" || named.text("variables") != "[name]" || named["channel_id"] != nil || named.text("status") != "paused" {
		t.Errorf("named: %v", named)
	}
	replaced := f.do("PUT", path, m{"name": "order2", "language": "de", "category": "marketing", "components": []m{{"type": "BODY", "text": "Hallo"}}}).want(200)
	if replaced.text("name") != "order2" || replaced.text("status") != "approved" || replaced.id() != made.id() {
		t.Errorf("replaced: %v", replaced)
	}
	f.do("POST", "/v1/templates", order()).want(http.StatusCreated)
	for query, want := range map[string]int{"": 2, "?status=approved": 2, "?status=paused": 0, "?language=de": 1, "?search=ORDER2": 1, "?search=hallo": 1, "?search=nothing": 0, "?category=utility": 1, "?limit=1": 1, "?channel=1": 0} {
		if got := f.do("GET", "/v1/templates"+query, nil).want(200).data(); len(got) != want {
			t.Errorf("%s: %d templates, want %d", query, len(got), want)
		}
	}
	f.do("GET", "/v1/templates?status=odd", nil).refused(422, dispatch.Invalid, "/status")
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
}

func TestTemplates_FaultyBody_NamesEveryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	with := func(change m) m {
		b := order()
		maps.Copy(b, change)
		return b
	}
	for _, c := range []struct {
		body     m
		pointers []string
	}{
		{m{}, []string{"/name", "/language", "/category", "/components"}},
		{with(m{"name": "No Spaces", "language": "english please"}), []string{"/name", "/language"}},
		{with(m{"category": "spam", "status": "odd"}), []string{"/category", "/status"}},
		{with(m{"components": []m{{"type": "body", "text": "Hi {{1}} {{3}}"}}}), []string{"/components/0/text"}},
		{with(m{"components": []m{{"type": "body", "text": "Hi", "example": m{}}}}), []string{"/components/0/example"}},
		{with(m{"channel_id": 99}), []string{"/channel_id"}},
		{with(m{"provider": "twilio"}), []string{"/provider_template_id"}},
		{with(m{"provider": "twilio", "provider_template_id": "HX1", "channel_id": 1}), []string{"/provider"}},
	} {
		f.do("POST", "/v1/templates", c.body).refused(422, dispatch.Invalid, c.pointers...)
	}
}

func TestTemplates_Preview_FillsAsASendWould(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := "/v1/templates/" + f.do("POST", "/v1/templates", order()).want(http.StatusCreated).id() + "/preview"
	if got := f.do("POST", path, nil).want(200).text("text"); got != "[image]\nHi {{1}}, order {{2}}.\n[Track] https://example.com/{{1}}" {
		t.Errorf("bare: %q", got)
	}
	filled := f.do("POST", path, m{"variables": m{"who": "Ada", "order": 7, "button_1": "x"}, "header_media_url": "https://example.com/a.png"}).want(200)
	if got := filled.text("text"); got != "[image https://example.com/a.png]\nHi Ada, order 7.\n[Track] https://example.com/x" {
		t.Errorf("filled: %q", got)
	}
	if len(filled["components"].([]any)) != 3 {
		t.Errorf("components: %v", filled["components"])
	}
	f.do("POST", path, m{"variables": []string{"Ada"}, "header_media_url": "https://example.com/a.png"}).refused(422, dispatch.Invalid, "/variables")
	f.do("POST", path, m{"variables": m{"who": "Ada", "order": "7", "button_1": "x"}}).refused(422, dispatch.Invalid, "/header_media_url")
	f.do("POST", path, m{"variables": true}).refused(422, dispatch.Invalid, "/variables")
	f.do("POST", path, m{"variable": true}).refused(422, dispatch.Invalid, "/variable")
	f.do("POST", path, m{"components": []m{
		{"type": "header", "parameters": []m{{"type": "image", "image": m{"link": "https://example.com/a.png"}}}},
		{"type": "body", "parameters": []m{{"type": "text", "text": "Ada"}, {"type": "text", "text": "7"}}},
		{"type": "button", "sub_type": "url", "index": 0, "parameters": []m{{"type": "text", "text": "x"}}},
	}}).want(200)
}

func TestTemplates_Sync_PullsFromMeta(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	em := emulator.New(emulator.Options{})
	srv := httptest.NewServer(em)
	t.Cleanup(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := em.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	em.Register(&f.channel)
	f.do("POST", "/v1/templates", m{"name": "gone", "language": "en", "category": "utility", "channel_id": 1, "components": []m{{"type": "BODY", "text": "x"}}}).want(http.StatusCreated)
	f.do("PATCH", "/v1/channels/1", m{"settings": m{"base_url": srv.URL}}).want(200)
	first := f.do("POST", "/v1/templates/sync", m{"channel": 1}).want(200)
	if first.text("created") != "4" || first.text("updated") != "0" || first.text("disabled") != "1" {
		t.Errorf("first: %v", first)
	}
	again := f.do("POST", "/v1/templates/sync", m{"channel": f.channel.Key}).want(200)
	if again.text("created") != "0" || again.text("updated") != "4" || again.text("disabled") != "0" {
		t.Errorf("again: %v", again)
	}
	if got := f.do("GET", "/v1/templates?search=auth1", nil).want(200).data(); len(got) != 1 || got[0].text("channel_id") != "1" || got[0].text("category") != "authentication" {
		t.Errorf("auth1: %v", got)
	}
	f.do("PATCH", "/v1/channels/1", m{"secrets": m{"access_token": "wrong-token"}}).want(200)
	r := f.do("POST", "/v1/templates/sync", m{"channel": "1"})
	r.refused(422, dispatch.Invalid, "/channel")
	if strings.Contains(string(r.body), "wrong-token") {
		t.Errorf("shows the token: %s", r.body)
	}
	f.do("POST", "/v1/templates/sync", m{}).refused(422, dispatch.Invalid, "/channel")
	f.do("POST", "/v1/templates/sync", m{"channel": []int{1}}).refused(422, dispatch.Invalid, "/channel")
	f.do("POST", "/v1/templates/sync", m{"channel": 77}).refused(422, dispatch.ChannelNotFound, "/channel")
	f.do("PATCH", "/v1/channels/1", m{"settings": m{"base_url": "http://127.0.0.1:1"}}).want(200)
	f.do("POST", "/v1/templates/sync", m{"channel": 1}).refused(http.StatusServiceUnavailable, dispatch.Overloaded)
}
