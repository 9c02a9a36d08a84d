package twilio

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// list answers the message list: newest first, filtered by To, From and
// DateSent as Twilio does, in pages of PageSize.
func list(s *engine.Server, r *http.Request, account string) engine.Answer {
	q := r.URL.Query()
	size, page := pageNumber(q.Get("PageSize"), 50, 1000), pageNumber(q.Get("Page"), 0, 1<<20)
	now := time.Now()
	found := []map[string]any{}
	for _, m := range s.SentTo(strings.TrimPrefix(q.Get("To"), whatsAppPrefix)) {
		memo := m.Memo.(*shown)
		if memo.account != account || recipient(m) != q.Get("To") || (q.Has("From") && q.Get("From") != memo.sender(m.Channel)) {
			continue
		}
		if dated(q, m, now) {
			found = append(found, resource(m, now))
		}
	}
	first := min(page*size, len(found))
	last := min(first+size, len(found))
	at := func(n int) string {
		next := url.Values{}
		maps.Copy(next, q)
		next.Set("Page", strconv.Itoa(n))
		return r.URL.Path + "?" + next.Encode()
	}
	list := map[string]any{
		"messages": found[first:last], "page": page, "page_size": size, "start": first, "end": max(last-1, 0),
		"uri": at(page), "first_page_uri": at(0), "next_page_uri": nil, "previous_page_uri": nil,
	}
	if last < len(found) {
		list["next_page_uri"] = at(page + 1)
	}
	if page > 0 {
		list["previous_page_uri"] = at(page - 1)
	}
	return engine.JSON(http.StatusOK, list)
}

// dated applies the DateSent filters; a message that Twilio hasn't sent
// has no such date and falls out of all of them.
func dated(q url.Values, m *engine.Send, now time.Time) bool {
	after, before, on := q.Get("DateSent>"), q.Get("DateSent<"), q.Get("DateSent")
	if after == "" && before == "" && on == "" {
		return true
	}
	if m.StatusAt(now) == 0 {
		return false
	}
	sent := m.Base.UTC()
	return (after == "" || !sent.Before(parseTime(after))) && (before == "" || !sent.After(parseTime(before))) &&
		(on == "" || sent.Format(time.DateOnly) == parseTime(on).Format(time.DateOnly))
}

// parseTime reads a date or a time in UTC.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func pageNumber(s string, otherwise, most int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return otherwise
	}
	return min(n, most)
}

// validVariables reports whether s is a JSON object of texts, none empty.
func validVariables(s string) bool {
	var vars map[string]*string
	if json.Unmarshal([]byte(s), &vars) != nil {
		return false
	}
	for _, v := range vars {
		if v == nil || *v == "" {
			return false
		}
	}
	return true
}

// validAddress reports whether s is an absolute address.
func validAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.Contains(u.Hostname(), "_")
}
