package dialecttest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dialect"
)

// Fuzz throws bodies at every sending route. Nothing may panic, a refusal is
// the client's fault (4xx), and whatever is decoded names a recipient.
func Fuzz(f *testing.F, d dialect.Dialect) {
	f.Helper()
	for _, c := range loadCases(f) {
		if c.Request.Method == http.MethodPost {
			f.Add(c.Request.Path, c.Request.build(f).Header.Get("Content-Type"), string(c.Request.payload()))
		}
	}
	f.Fuzz(func(t *testing.T, path, contentType, body string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, notPath) {
			t.Skip()
		}
		r := Request{Method: http.MethodPost, Path: path, Headers: map[string]string{"Content-Type": contentType}}.build(t)
		rt, err := route(d, r)
		if err != nil || rt.Decode == nil {
			t.Skip()
		}
		drafts, err := rt.Decode(r, []byte(body))
		if err != nil {
			if reply := render(t, d.Reject(r, err)); reply.Status < 400 || reply.Status > 499 {
				t.Errorf("status %d for %q: %v", reply.Status, body, err)
			}
			return
		}
		for i := range drafts {
			if len(drafts[i].Faults) == 0 && strings.TrimSpace(drafts[i].To) == "" {
				t.Errorf("draft %d of %q has no recipient", i, body)
			}
		}
		if reply := render(t, rt.Accept(r, drafts, receipts(drafts))); reply.Status < 200 || reply.Status > 299 {
			t.Errorf("status %d for accepted drafts of %q", reply.Status, body)
		}
	})
}

// notPath reports whether a request line can't carry the rune.
func notPath(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`%?#"<>\^{|}[]`+"`", r) }
