package providertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/provider"
)

// answer makes a call that is answered with r.
func (c Case) answer(t *testing.T, p provider.Provider, r Reply) (provider.Accepted, error) {
	t.Helper()
	return p.Send(t.Context(), c.Channel(serve(t, reply(r)).URL), c.Message())
}

// testOddYes changes everything in the provider's yes but the id: a yes stays a
// yes, since a message that is called again is sent twice.
func testOddYes(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	var yes map[string]any
	if err := json.Unmarshal([]byte(c.Accepted.Body), &yes); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]bool{c.Accepted.Body: true}
	add := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), c.AcceptedID) {
			bodies[string(b)] = true
		}
	}
	for _, odd := range []any{nil, 7, true, "", "ODD", []any{}, []any{7}, map[string]any{}, map[string]any{"x": 1}} {
		for name, v := range yes {
			if name == "error" || strings.Contains(fmt.Sprint(v), c.AcceptedID) { // a refusal, the id itself
				continue
			}
			changed := maps.Clone(yes)
			changed[name] = odd
			add(changed)
			changed = maps.Clone(yes)
			delete(changed, name)
			add(changed)
		}
		added := maps.Clone(yes)
		added["warnings"], added["contacts"] = odd, odd
		add(added)
	}
	for _, nothing := range []any{nil, false, 0, "", []any{}, map[string]any{}} {
		added := maps.Clone(yes)
		added["error"], added["errors"] = nothing, nothing
		add(added)
	}
	add(upper(yes, c.AcceptedID))
	for body := range bodies {
		for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted} {
			got, err := c.answer(t, p, Reply{Status: status, Header: c.Accepted.Header, Body: body})
			if err != nil || got.ProviderID != c.AcceptedID || got.HTTP != status {
				t.Errorf("%d %s: got %+v, %v", status, body, got, err)
			}
		}
	}
}

// testReasons answers with bodies that are not in the contract: what they name as
// the reason is kept.
func testReasons(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for _, body := range []string{
		"the reason", "the reason\nand more", `{"error":"the reason"}`, `{"error":{"message":"the reason"}}`, `{"message":"the reason"}`,
		`{"errors":[{"title":"the reason"}]}`, `{"reason":"the reason"}`, `{"detail":"the reason"}`, `{"error":{"to":"the reason"}}`,
		`{"status":"error","message":"the reason"}`, `{"title":"the reason"}`, `{"message":{"reason":"the reason"}}`,
	} {
		for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusBadGateway} {
			_, err := c.answer(t, p, Reply{Status: status, Body: body})
			if e := provider.AsError(err); err == nil || !strings.Contains(e.Msg, "the reason") || e.HTTP != status {
				t.Errorf("%d %s: %v", status, body, err)
			}
		}
	}
}

// upper returns v with its texts in capitals, but for the id.
func upper(v any, id string) any {
	switch v := v.(type) {
	case string:
		if !strings.Contains(v, id) {
			return strings.ToUpper(v)
		}
	case map[string]any:
		out := map[string]any{}
		for name, in := range v {
			out[name] = upper(in, id)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = upper(v[i], id)
		}
		return out
	}
	return v
}

// testOddNo answers 2xx with an error inside: refused with its code and text, and
// not called again as an unknown outcome would be.
func testOddNo(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":"error"}`: "", `{"status":"ERROR","message":"the reason"}`: "", `{"status":"Failed","reason":"the reason"}`: "",
		`{"status":"error","code":99999,"message":"the reason"}`:              "99999",
		`{"status":"error","message":{"code":"99999","reason":"the reason"}}`: "99999",
		`{"error":"the reason"}`: "", `{"error":{"to":"the reason"}}`: "", `{"error":["the reason"]}`: "",
		`{"error":{"code":99999,"message":"the reason"}}`: "99999", `{"error":{"code":"99999","message":"the reason"}}`: "99999",
		`{"code":"99999","error":{"message":"the reason"}}`: "99999", `{"errors":[{"code":99999,"title":"the reason"}]}`: "99999",
	} {
		for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted} {
			t.Run(fmt.Sprint(status, " ", body), func(t *testing.T) {
				r := Reply{Status: status, Body: body}
				_, err := c.answer(t, p, r)
				refused(t, c.Channel(""), err, provider.Permanent)
				e := provider.AsError(err)
				if e.Provider != want || e.HTTP != status || strings.Contains(body, "the reason") != strings.Contains(e.Msg, "the reason") {
					t.Errorf("got code %q, HTTP %d, %q; want code %q", e.Provider, e.HTTP, e.Msg, want)
				}
			})
		}
	}
}
