package manage_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	r := f.Do("POST", "/v1/templates", order())
	made := r.Want(http.StatusCreated)
	path := "/v1/templates/" + made.ID()
	if r.Header.Get("Location") != path || made.Text("variables") != "[who order button_1]" || made.Text("status") != "approved" ||
		made.Text("parameter_format") != "positional" ||
		made.Text("usage_count") != "0" {
		t.Errorf("made: %s", r.Body)
	}
	f.Do("POST", "/v1/templates", order()).Refused(http.StatusConflict, dispatch.Conflict)
	changed := f.Do("PATCH", path, m{"status": "paused", "channel_id": f.Channel.ID}).Want(200)
	if changed.Text("status") != "paused" || changed.Text("channel_id") != "1" || len(changed["components"].([]any)) != 3 {
		t.Errorf("changed: %v", changed)
	}
	named := f.Do("PATCH", path, m{"channel_id": nil, "components": []m{{"type": "BODY", "text": "Hi {{name}}"}}}).Want(200)
	if named.Text("parameter_format") != "named" || named.Text("variables") != "[name]" || named["channel_id"] != nil ||
		named.Text("status") != "paused" {
		t.Errorf("named: %v", named)
	}
	replaced := f.Do("PUT", path, m{
		"name": "order2", "language": "de", "category": "marketing",
		"components": []m{{"type": "BODY", "text": "Hallo"}},
	}).
		Want(200)
	if replaced.Text("name") != "order2" || replaced.Text("status") != "approved" || replaced.ID() != made.ID() {
		t.Errorf("replaced: %v", replaced)
	}
	f.Do("POST", "/v1/templates", order()).Want(http.StatusCreated)
	for query, want := range map[string]int{
		"": 2, "?status=approved": 2, "?status=paused": 0, "?language=de": 1, "?search=ORDER2": 1,
		"?search=hallo": 1, "?search=nothing": 0, "?category=utility": 1, "?limit=1": 1, "?channel=1": 0,
	} {
		if got := f.Do("GET", "/v1/templates"+query, nil).Want(200).Data(); len(got) != want {
			t.Errorf("%s: %d templates, want %d", query, len(got), want)
		}
	}
	f.Do("GET", "/v1/templates?status=odd", nil).Refused(422, dispatch.Invalid, "/status")
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
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
		{with(m{"components": []m{{"type": "body", "text": "Hi", "examples": m{}}}}), []string{"/components/0/examples"}},
		{with(m{"parameter_format": "odd"}), []string{"/parameter_format"}},
		{with(m{"components": []m{{"type": "body", "text": "Hi"}, {"type": "carousel", "cards": []m{
			{"components": []m{{"type": "header", "format": "odd"}, {"type": "body", "text": "{{2}}"}}},
		}}}}), []string{"/components/1/cards/0/components/0/format", "/components/1/cards/0/components/1/text"}},
		{with(m{"channel_id": 99}), []string{"/channel_id"}},
		{with(m{"provider": "twilio"}), []string{"/provider_template_id"}},
		{with(m{"provider": "twilio", "provider_template_id": "HX1", "channel_id": 1}), []string{"/provider"}},
	} {
		f.Do("POST", "/v1/templates", c.body).Refused(422, dispatch.Invalid, c.pointers...)
	}
}

// Meta's own JSON of a template, with samples and media handles, can be registered
// as it stands, and comes back whole.
func TestTemplates_MetasJSON_AsItStands(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const components = `[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::aW1n"]}},
		{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"Ends soon","has_expiration":true}},
		{"type":"BODY","text":"Hi {{1}}","example":{"body_text":[["Ann"]]}},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"250FF"},{"type":"URL","text":"Go","url":"https://e.com/{{1}}",
		"example":["https://e.com/x"]},
			{"type":"FLOW","text":"Go","flow_id":123,"flow_action":"navigate","navigate_screen":"A"}]},
		{"type":"CAROUSEL","cards":[{"components":[{"type":"HEADER","format":"VIDEO","example":{"header_handle":["h"]}},{"type":"BODY",
		"text":"x"}]}]}]`
	made := f.Do("POST", "/v1/templates", `{"id":"1689","name":"summer","language":"en_US","status":"APPROVED","category":"MARKETING",
		"parameter_format":"POSITIONAL","quality_score":{"score":"GREEN","date":1},"rejected_reason":"NONE","sub_category":"CUSTOM",
		"allow_category_change":true,"message_send_ttl_seconds":-1,"components":`+components+`}`).Want(http.StatusCreated)
	if made.Text("status") != "approved" || made.Text("category") != "marketing" || made.Text("parameter_format") != "positional" {
		t.Errorf("made: %v", made)
	}
	got := f.Do("GET", "/v1/templates/"+made.ID(), nil).Want(200)
	var want any
	if err := json.Unmarshal([]byte(components), &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got["components"]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTemplates_Preview_FillsAsASendWould(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	path := "/v1/templates/" + f.Do("POST", "/v1/templates", order()).Want(http.StatusCreated).ID() + "/preview"
	if got := f.Do("POST", path, nil).Want(200).Text("text"); got != "[image]\nHi {{1}}, order {{2}}.\n[Track] https://example.com/{{1}}" {
		t.Errorf("bare: %q", got)
	}
	filled := f.Do("POST", path, m{
		"variables":        m{"who": "Ada", "order": 7, "button_1": "x"},
		"header_media_url": "https://example.com/a.png",
	}).
		Want(200)
	if got := filled.Text("text"); got != "[image https://example.com/a.png]\nHi Ada, order 7.\n[Track] https://example.com/x" {
		t.Errorf("filled: %q", got)
	}
	if len(filled["components"].([]any)) != 3 {
		t.Errorf("components: %v", filled["components"])
	}
	f.Do("POST", path, m{"variables": []string{"Ada"}, "header_media_url": "https://example.com/a.png"}).
		Refused(422, dispatch.Invalid, "/variables")
	f.Do("POST", path, m{"variables": m{"who": "Ada", "order": "7", "button_1": "x"}}).Refused(422, dispatch.Invalid, "/header_media_url")
	f.Do("POST", path, m{"variables": true}).Refused(422, dispatch.Invalid, "/variables")
	f.Do("POST", path, m{"variable": true}).Refused(422, dispatch.Invalid, "/variable")
	f.Do("POST", path, m{"components": []m{
		{"type": "header", "parameters": []m{{"type": "image", "image": m{"link": "https://example.com/a.png"}}}},
		{"type": "body", "parameters": []m{{"type": "text", "text": "Ada"}, {"type": "text", "text": "7"}}},
		{"type": "button", "sub_type": "url", "index": 0, "parameters": []m{{"type": "text", "text": "x"}}},
	}}).Want(200)
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
	em.Register(&f.Channel)
	f.Do("POST", "/v1/templates", m{
		"name": "gone", "language": "en", "category": "utility", "channel_id": 1,
		"components": []m{{"type": "BODY", "text": "x"}},
	}).
		Want(http.StatusCreated)
	f.Do("PATCH", "/v1/channels/1", m{"settings": m{"base_url": srv.URL}}).Want(200)
	first := f.Do("POST", "/v1/templates/sync", m{"channel": 1}).Want(200)
	if first.Text("created") != "5" || first.Text("updated") != "0" || first.Text("disabled") != "1" {
		t.Errorf("first: %v", first)
	}
	again := f.Do("POST", "/v1/templates/sync", m{"channel": f.Channel.Key}).Want(200)
	if again.Text("created") != "0" || again.Text("updated") != "5" || again.Text("disabled") != "0" {
		t.Errorf("again: %v", again)
	}
	if got := f.Do("GET", "/v1/templates?search=auth1", nil).Want(200).Data(); len(got) != 1 || got[0].Text("channel_id") != "1" ||
		got[0].Text("category") != "authentication" {
		t.Errorf("auth1: %v", got)
	}
	f.Do("PATCH", "/v1/channels/1", m{"secrets": m{"access_token": "wrong-token"}}).Want(200)
	r := f.Do("POST", "/v1/templates/sync", m{"channel": "1"})
	r.Refused(422, dispatch.Invalid, "/channel")
	if strings.Contains(string(r.Body), "wrong-token") {
		t.Errorf("shows the token: %s", r.Body)
	}
	f.Do("POST", "/v1/templates/sync", m{}).Refused(422, dispatch.Invalid, "/channel")
	f.Do("POST", "/v1/templates/sync", m{"channel": []int{1}}).Refused(422, dispatch.Invalid, "/channel")
	f.Do("POST", "/v1/templates/sync", m{"channel": 77}).Refused(422, dispatch.ChannelNotFound, "/channel")
	f.Do("PATCH", "/v1/channels/1", m{"settings": m{"base_url": "http://127.0.0.1:1"}}).Want(200)
	f.Do("POST", "/v1/templates/sync", m{"channel": 1}).Refused(http.StatusServiceUnavailable, dispatch.Overloaded)
}
