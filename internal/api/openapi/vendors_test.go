package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sendoff/sendoff/internal/apitest"
)

// vendorAuth puts a key where an operation's security requires it.
func vendorAuth(op *openapi3.Operation, key string) (in apitest.Sent) {
	for _, alternative := range *op.Security {
		for scheme := range alternative {
			switch scheme {
			case "basic":
				in.Basic = key
			case "bearer":
				in.Headers = append(in.Headers, "Authorization", "Bearer "+key)
			case "api_key":
				in.Headers = append(in.Headers, "X-API-Key", key)
			default: // named like their header
				in.Headers = append(in.Headers, scheme, key)
			}
		}
	}
	return in
}

// vendorOps calls do for every operation of a vendor's format.
func vendorOps(t *testing.T, doc *openapi3.T, do func(at string, op *openapi3.Operation)) {
	t.Helper()
	n := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Tags[0] == "Dialects" {
				n++
				do(method+" "+path, op)
			}
		}
	}
	if n != 38 {
		t.Errorf("%d operations of dialects", n)
	}
}

// Every route of a dialect is described whole: the fields of its body and of
// its answers, and each way in which it can refuse, in its own form.
func TestOpenAPI_DialectRoutes_FieldsAnswersAndErrors(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t, newFront(t).Front)
	vendorOps(t, doc, func(at string, op *openapi3.Operation) {
		method, path, _ := strings.Cut(at, " ")
		sends := method == http.MethodPost && !strings.Contains(path, "{message}") && !strings.Contains(path, "{object}")
		if sends {
			for kind, m := range op.RequestBody.Value.Content {
				if s := m.Schema.Value; len(s.Properties) < 2 || len(s.Required) == 0 || (m.Example == nil && len(m.Examples) == 0) {
					t.Errorf("%s: body of type %s has %d fields, %d mandatory", at, kind, len(s.Properties), len(s.Required))
				}
			}
		}
		success, refusals := 0, map[string]bool{}
		for status, res := range op.Responses.Map() {
			if status == "204" {
				success++
				continue
			}
			m := res.Value.Content["application/json"]
			if m == nil || len(m.Schema.Value.Properties) == 0 {
				t.Errorf("%s: %s has no fields", at, status)
				continue
			}
			if status < "300" {
				success++
			}
			for name := range m.Examples {
				refusals[name] = true
			}
		}
		want := []string{"key_missing", "key_expired", "rate_limited", "daily_limited", "internal"}
		if sends {
			want = append(
				want,
				"invalid",
				"variable_missing",
				"malformed",
				"suppressed",
				"low_balance",
				"forbidden",
				"channel_not_found",
				"template_not_found",
			)
		}
		if strings.Contains(path, "{uuid}") || strings.Contains(path, "{message}") {
			want = append(want, "not_found")
		}
		for _, name := range want {
			if !refusals[name] {
				t.Errorf("%s: refusal %s is not described", at, name)
			}
		}
		if success != 1 {
			t.Errorf("%s: %d kinds of success", at, success)
		}
	})
}

// The examples of bodies are what the dialects read: they are refused only
// because the test's account has no such channels and templates.
func TestOpenAPI_DialectExamples_AreRead(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	notThere := strings.NewReplacer("{version}", "v25.0", "{phone_number_id}", "404", "{sid}", f.Account.SID, "{phone}", "+19")
	vendorOps(t, apitest.Document(t, f.Front), func(at string, op *openapi3.Operation) {
		method, path, _ := strings.Cut(at, " ")
		if method != http.MethodPost || strings.Contains(path, "{message}") || strings.Contains(path, "{object}") {
			return
		}
		for kind, m := range op.RequestBody.Value.Content {
			bodies := map[string]any{"the example": m.Example}
			for name, e := range m.Examples {
				bodies[name] = e.Value.Value
			}
			if len(m.Examples) > 0 {
				delete(bodies, "the example")
			}
			for name, body := range bodies {
				in := vendorAuth(op, f.Key)
				in.Headers = append(in.Headers, "Content-Type", kind)
				in.Body = written(t, kind, body)
				r := f.Ask(method, notThere.Replace(path), in)
				if said := string(r.Body); r.Status >= 500 || !notFound(said) {
					t.Errorf("%s, %s: got %d %s", at, name, r.Status, said)
				}
			}
		}
	})
}

// written is an example as a client sends it.
func written(t *testing.T, kind string, body any) string {
	t.Helper()
	if fields, ok := body.(map[string]any); ok && kind == "application/x-www-form-urlencoded" {
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, fmt.Sprint(value))
		}
		return form.Encode()
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// notFound reports whether an answer is about a channel, template or window that does not exist.
func notFound(said string) bool {
	for _, words := range []string{
		"WhatsApp account not found", "no default WhatsApp channel", "Invalid channel_key", "does not belong to the account", "does not exist",
		"not a valid message-capable", "Template not found", "Outside 24-hour window",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}
