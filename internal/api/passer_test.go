package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// graphCall is a call that the Graph API received.
type graphCall struct{ What, Auth, Type, Body string }

// graphServer is a Graph API that notes its calls and answers with answer.
type graphServer struct {
	mu     sync.Mutex
	calls  []graphCall
	status int
	answer string
}

func (g *graphServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, graphCall{
		r.Method + " " + r.URL.String(), r.Header.Get("Authorization"),
		r.Header.Get("Content-Type"), string(body),
	})
	w.WriteHeader(g.status)
	_, _ = io.WriteString(w, g.answer)
}

// last returns the only call since the last look, or none.
func (g *graphServer) last(t *testing.T) graphCall {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := g.calls
	g.calls = nil
	if len(calls) > 1 {
		t.Errorf("several calls: %v", calls)
	}
	return append(calls, graphCall{})[0]
}

func (g *graphServer) will(status int, answer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status, g.answer = status, answer
}

// newGraph points the Meta channel of f at a Graph API of its own.
func newGraph(t *testing.T, f *front) *graphServer {
	t.Helper()
	g := &graphServer{status: 200, answer: `{"success":true}`}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	f.Do("PATCH", "/v1/channels/1", m{
		"settings": m{"base_url": srv.URL, "waba_id": "102290129340398"}, "secrets": m{"access_token": "EAAB-of-the-channel"},
	}).Want(200)
	return g
}

// What an SDK needs besides messages goes to Meta with the channel's token.
func TestMeta_PassedOn(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	g := newGraph(t, f)
	bearer := "Bearer " + f.Key
	const waba = "102290129340398"
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/v25.0/77?phone_number_id=" + metaPhone, "", "GET /v25.0/77?phone_number_id=" + metaPhone},
		{"GET", "/77", "", "GET /v25.0/77"},
		{"DELETE", "/v21.0/77?x=1", "", "DELETE /v25.0/77"},
		{"GET", "/v25.0/" + metaPhone + "?fields=quality_rating", "", "GET /v25.0/" + metaPhone + "?fields=quality_rating"},
		{"GET", "/v25.0/" + waba + "/message_templates?limit=5&access_token=x", "", "GET /v25.0/" + waba + "/message_templates?limit=5"},
		{"POST", "/" + waba + "/message_templates", `{"name":"olá"}`, "POST /v25.0/" + waba + "/message_templates"},
		{"DELETE", "/" + waba + "/message_templates?name=a", "", "DELETE /v25.0/" + waba + "/message_templates?name=a"},
		{"GET", "/v25.0/" + waba + "/phone_numbers", "", "GET /v25.0/" + waba + "/phone_numbers"},
		{"GET", "/v25.0/" + metaPhone + "/whatsapp_business_profile", "", "GET /v25.0/" + metaPhone + "/whatsapp_business_profile"},
		{"POST", "/v25.0/1/whatsapp_business_profile", `{"about":"x"}`, "POST /v25.0/" + metaPhone + "/whatsapp_business_profile"},
	} {
		r := f.Ask(c.method, c.path, apitest.Sent{Headers: []string{"Authorization", bearer, "Content-Type", "application/json"}, Body: c.body})
		want := graphCall{What: c.want, Auth: "Bearer EAAB-of-the-channel", Body: c.body}
		if c.body != "" {
			want.Type = "application/json"
		}
		if r.Status != http.StatusOK || strings.TrimSpace(string(r.Body)) != `{"success":true}` {
			t.Errorf("%s %s: got %d %s", c.method, c.path, r.Status, r.Body)
		}
		if d := cmp.Diff(want, g.last(t)); d != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.method, c.path, d)
		}
	}
	for path, status := range map[string]int{
		"/v25.0/999/message_templates": 400, "/v25.0/999/phone_numbers": 400, "/v25.0/999/whatsapp_business_profile": 400,
		"/v25.0/abc": 404, "/abc": 404,
		"/v25.0/" + metaPhone + "?fields=id,access_token": 400, "/v25.0/77/phone_numbers/x": 404,
	} {
		r := f.Ask("GET", path, apitest.Sent{Headers: []string{"Authorization", bearer}})
		if r.Status != status || g.last(t) != (graphCall{}) {
			t.Errorf("%s: got %d %s", path, r.Status, r.Body)
		}
	}
	g.will(400, `{"error":{"message":"Malformed access token EAAB-of-the-channel","code":190}}`)
	r := f.Ask("GET", "/v25.0/77", apitest.Sent{Headers: []string{"Authorization", bearer}})
	if r.Status != 400 || !strings.Contains(string(r.Body), "Malformed access token ***") {
		t.Errorf("refused: %d %s", r.Status, r.Body)
	}
	g.will(200, "<html>secrets of an inner server")
	r = f.Ask("GET", "/v25.0/77", apitest.Sent{Headers: []string{"Authorization", bearer}})
	if r.Status != 500 || envelope(r) != "meta" || strings.Contains(string(r.Body), "inner") {
		t.Errorf("no JSON: %d %s", r.Status, r.Body)
	}
}

// A file goes through as it is.
func TestMeta_MediaUpload(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	g := newGraph(t, f)
	g.will(200, `{"id":"1037543291543636"}`)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "foto-olá.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(bytes.Repeat([]byte{0, 255}, 3<<20)) // larger than a message may be
	_ = form.WriteField("messaging_product", "whatsapp")
	_ = form.Close()
	r := f.Ask("POST", "/v25.0/"+metaPhone+"/media", apitest.Sent{
		Headers: []string{"Authorization", "Bearer " + f.Key, "Content-Type", form.FormDataContentType()}, Body: body.String(),
	})
	if got := r.Want(200).Text("id"); got != "1037543291543636" {
		t.Errorf("got %s", r.Body)
	}
	if got := g.last(t); got.Body != body.String() || got.Type != form.FormDataContentType() || got.What != "POST /v25.0/"+metaPhone+"/media" {
		t.Errorf("got %s %s, %d bytes", got.What, got.Type, len(got.Body))
	}
}

// A key may pass on what its permissions name.
func TestMeta_PassedOn_Permissions(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	g := newGraph(t, f)
	key := f.Do("POST", "/v1/keys", m{"name": "reader", "permissions": []string{"view_messages"}}).Want(201).Text("key")
	test := f.Do("POST", "/v1/keys", m{"name": "test", "test": true, "permissions": []string{"view_messages"}}).Want(201).Text("key")
	for _, c := range []struct {
		key, method, path string
		status            int
	}{
		{key, "GET", "/v25.0/77", 200},
		{key, "DELETE", "/v25.0/77", 403},
		{key, "POST", "/v25.0/" + metaPhone + "/media", 403},
		{key, "GET", "/v25.0/102290129340398/message_templates", 403},
		{key, "POST", "/v25.0/102290129340398/message_templates", 403},
		{key, "POST", "/v25.0/" + metaPhone + "/whatsapp_business_profile", 403},
		{"", "GET", "/v25.0/77", 401},
		{test, "GET", "/v25.0/77", 500}, // to the emulator, which is not there
	} {
		in := apitest.Sent{}
		if c.key != "" {
			in.Headers = []string{"Authorization", "Bearer " + c.key}
		}
		r := f.Ask(c.method, c.path, in)
		if called := g.last(t) != (graphCall{}); r.Status != c.status || envelope(r) != "meta" && c.status != 200 || called != (c.status == 200) {
			t.Errorf("%s %s: got %d %s, called %v", c.method, c.path, r.Status, r.Body, called)
		}
	}
}

// A mark-as-read of a message that a contact sent reaches Meta with Meta's id.
func TestMeta_MarkAsRead_ReachesMeta(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	g := newGraph(t, f)
	in := dispatch.Inbound{Channel: 1, From: "+12025550100", ProviderID: "wamid.HBgL", Type: "text", Text: "hi", Raw: "{}", At: time.Now()}
	like := in
	like.ProviderID = "wamid.0190c7a2b1c04d0e8f0a1b2c3d4e5f60" // reads as one of ours
	if _, err := f.Store.InsertInbound(t.Context(), 1, []dispatch.Inbound{like, in}); err != nil {
		t.Fatal(err)
	}
	all := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	ours := all[slices.IndexFunc(all, func(o object) bool { return o.Text("provider_message_id") == in.ProviderID })].Text("id")
	for given, id := range map[string]string{
		"wamid.HBgL": "wamid.HBgL", "wamid." + ours: "wamid.HBgL", ours: "wamid.HBgL", like.ProviderID: like.ProviderID, "wamid.ELSE": "",
		f.Account.SID: "",
	} {
		for _, typing := range []string{"", `,"typing_indicator":{"type":"text"}`} {
			body := `{"messaging_product":"whatsapp","status":"read","message_id":"` + given + `"` + typing + `}`
			r := f.graph("/v25.0/"+metaPhone+"/messages", body, "Authorization", "Bearer "+f.Key)
			if r.Status != 200 || !strings.Contains(string(r.Body), `"success":true`) {
				t.Errorf("%s: got %d %s", given, r.Status, r.Body)
			}
			got := g.last(t)
			if id == "" {
				if got != (graphCall{}) {
					t.Errorf("%s: Meta got %+v", given, got)
				}
				continue
			}
			want := map[string]any{"messaging_product": "whatsapp", "status": "read", "message_id": id}
			if typing != "" {
				want["typing_indicator"] = map[string]any{"type": "text"}
			}
			var sent map[string]any
			if err := json.Unmarshal([]byte(got.Body), &sent); err != nil {
				t.Fatalf("%s: %v in %+v", given, err, got)
			}
			if d := cmp.Diff(want, sent); d != "" || got.What != "POST /v25.0/"+metaPhone+"/messages" || got.Auth != "Bearer EAAB-of-the-channel" {
				t.Errorf("%s: %+v (-want +got):\n%s", given, got, d)
			}
		}
	}
}
