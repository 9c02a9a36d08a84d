package meta

import (
	"encoding/base64"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// templateList answers message_templates: pages by limit and after, and a
// filter by name. Cursors are opaque, as Meta's.
func templateList(s *engine.Server, r *http.Request, waba string) engine.Answer {
	auth := r.Header.Get("Authorization")
	known, allowed := false, false
	for _, ch := range s.ChannelsOf(vendorName) {
		if ch.Settings["waba_id"] == waba {
			known = true
			allowed = allowed || auth == "Bearer "+ch.Secrets["access_token"]
		}
	}
	switch {
	case !known && auth != "":
		return noObject(r.Method, waba)
	case !allowed:
		return refusal(http.StatusUnauthorized, 190, "Invalid OAuth access token - Cannot parse access token", "")
	}
	q := r.URL.Query()
	var list []any
	for _, t := range s.Templates() {
		if name := q.Get("name"); name == "" || name == t.Name {
			list = append(list, entry(&t))
		}
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		limit = 25 // the Graph API's default
	}
	from := min(cursorAt(q.Get("after")), len(list))
	to := min(from+limit, len(list))
	paging := map[string]any{}
	if to > from {
		paging["cursors"] = map[string]string{"before": cursor(from), "after": cursor(to)}
	}
	if to < len(list) {
		paging["next"] = "https://graph.facebook.com" + r.URL.Path + "?after=" + cursor(to)
	}
	return engine.JSON(http.StatusOK, map[string]any{"data": append([]any{}, list[from:to]...), "paging": paging})
}

func entry(t *template.Template) map[string]any {
	parts := []any{}
	for _, c := range t.Components {
		c.Variables = nil // ours, not Meta's
		parts = append(parts, c)
	}
	return map[string]any{
		"id":   strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(t.Name+t.Language)))+1_000_000_000_000, 10),
		"name": t.Name, "language": t.Language, "status": strings.ToUpper(t.Status), "category": strings.ToUpper(t.Category),
		"parameter_format": strings.ToUpper(t.ParameterFormat), "components": parts,
	}
}

func cursor(n int) string { return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(n))) }

func cursorAt(s string) int {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
