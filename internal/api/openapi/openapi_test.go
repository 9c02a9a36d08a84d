package openapi_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dialect/native"
)

func TestOpenAPI_CoversNativeCallbackAndDialectRoutes(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	doc := apitest.Document(t, f.Front)
	if doc.OpenAPI != "3.1.0" || doc.Servers[0].URL != apitest.Public {
		t.Errorf("version %s, servers %v", doc.OpenAPI, doc.Servers)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("not valid: %v", err)
	}
	for _, want := range []string{
		"POST /v1/messages", "POST /v1/messages/batch", "GET /v1/messages/{id}", "GET /v1/events", "POST /v1/keys/{id}/rotate",
		"PATCH /v1/channels/{id}", "POST /v1/templates/sync",
		"DELETE /v1/suppressions/{phone}", "GET /v1/credits/ledger", "POST /callbacks/{provider}/{channel}",
		"POST /callbacks/{provider}/{channel}/{secret}", "GET /readyz",
		"POST /api/v1/messages/api/send-message", "POST /api/v1/external/messages/template/send", "GET /api/v1/external/messages/{uuid}",
		"GET /api/v1/external/templates", "POST /api/messages/send", "POST /message", "GET /team-members",
		"POST /v2/{sid}/whatsapp/{phone}/messages",
		"POST /{version}/{phone_number_id}/messages", "POST /2010-04-01/Accounts/{sid}/Messages.json",
		"GET /2010-04-01/Accounts/{sid}/Messages.json", "GET /2010-04-01/Accounts/{sid}/Messages/{message}",
	} {
		method, path, _ := strings.Cut(want, " ")
		item := doc.Paths.Value(path)
		if item == nil || item.GetOperation(method) == nil {
			t.Errorf("%s is not described", want)
			continue
		}
		op := item.GetOperation(method)
		if op.Summary == "" || len(op.Tags) != 1 || op.Responses.Len() == 0 {
			t.Errorf("%s: %+v", want, op)
		}
	}
	open := []string{
		"POST /v1/session", "DELETE /v1/session", "GET /v1/session/login", "POST /v1/invitations/accept", "GET /v1/share/{token}",
	}
	ids := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if other := ids[op.OperationID]; other != "" {
				t.Errorf("%s %s has the id of %s", method, path, other)
			}
			ids[op.OperationID] = method + " " + path
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if op.Parameters.GetByInAndName("path", name[1]) == nil {
					t.Errorf("%s %s: parameter %s is not described", method, path, name[1])
				}
			}
			if at := method + " " + path; strings.HasPrefix(path, "/v1/") &&
				(op.Security == nil || (len(*op.Security) == 2) == slices.Contains(open, at)) {
				t.Errorf("%s: security %v", at, op.Security)
			}
		}
	}
}

// TestOpenAPI_SendRequest_IsWhatNativeReads keeps the description of a message
// and its reader together.
func TestOpenAPI_SendRequest_IsWhatNativeReads(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	for schema, wrap := range map[string]string{"SendRequest": `{"%":null}`, "TemplateRequest": `{"template":{"%":null}}`} {
		s := doc.Components.Schemas[schema]
		if s == nil || len(s.Value.Properties) < 7 {
			t.Fatalf("no schema %s", schema)
		}
		for name := range s.Value.Properties {
			_, err := native.Decode([]byte(strings.Replace(wrap, "%", name, 1)))
			if err != nil && strings.Contains(err.Error(), "unknown field") {
				t.Errorf("%s.%s: %v", schema, name, err)
			}
		}
	}
}

func TestDocs_ArePlainAndWhole(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.As("", "GET", "/docs", nil)
	if r.Status != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %s", r.Status, r.Header)
	}
	page := string(r.Body)
	if regexp.MustCompile(`<script|src=|<link|@import|url\(`).MatchString(page) {
		t.Error("the page needs something from elsewhere")
	}
	for _, want := range []string{
		"/v1/channels/{id}/pause", apitest.Public + "/v1/messages", apitest.Public + "/api/v1/messages/api/send-message/", apitest.Public +
			"/api/v1/external/messages/template/send", apitest.Public + "/api/messages/send",
		apitest.Public + "/message", apitest.Public + "/v2/", apitest.Public + "/v25.0/", apitest.Public + "/2010-04-01/Accounts/",
		"What differs", "rate_per_minute", "policy.resolve_window_s.otp",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, "What differs:"); n != 7 {
		t.Errorf("%d dialects", n)
	}
}
