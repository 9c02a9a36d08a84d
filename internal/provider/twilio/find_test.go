package twilio

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// listed is a message as the list shows it.
func listed(n int, change map[string]any) map[string]any {
	r := map[string]any{
		"sid": fmt.Sprintf("SM%032x", n), "status": "sent", "to": "+15550001111", "from": "+15550002222", "messaging_service_sid": nil,
		"body": "hello", "num_media": "0", "direction": "outbound-api", "error_code": nil, "error_message": nil,
		"date_created": now.Format(time.RFC1123Z), "date_updated": now.Add(time.Second).Format(time.RFC1123Z),
	}
	maps.Copy(r, change)
	return r
}

func TestFind(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) map[string]any {
		return map[string]any{"date_created": now.Add(d).Format(time.RFC1123Z)}
	}
	next := "/2010-04-01/Accounts/AC/Messages.json?Page=1"
	text := message(`{"type":"text","text":{"body":"hello"}}`)
	album := message(`{"type":"image","image":{"link":"https://f.example.com/a"},"more_media":[{"link":"https://f.example.com/b"}]}`)
	tests := []struct {
		name  string
		m     *dispatch.Message
		list  []map[string]any
		next  string
		found bool
		fails bool
		want  dispatch.Status
	}{
		{"nothing to the recipient", text, nil, "", false, false, 0},
		{"it", text, []map[string]any{listed(1, nil)}, "", true, false, dispatch.Sent},
		{"still queued", text, []map[string]any{listed(1, map[string]any{"status": "queued"})}, "", true, false, dispatch.Sent},
		{"from not chosen yet", text, []map[string]any{listed(1, map[string]any{"from": nil})}, "", true, false, dispatch.Sent},
		{
			"failed since",
			text,
			[]map[string]any{listed(1, map[string]any{"status": "failed", "error_code": 21610})},
			"",
			true,
			false,
			dispatch.Failed,
		},
		{"a second's fraction", text, []map[string]any{listed(1, at(-time.Second))}, "", true, false, dispatch.Sent},
		{"one before it, or a slow clock", text, []map[string]any{listed(1, at(-time.Minute))}, "", false, true, 0},
		{"it, and one before it", text, []map[string]any{listed(1, nil), listed(2, at(-time.Minute))}, "", true, false, dispatch.Sent},
		{
			"another text before it",
			text,
			[]map[string]any{listed(1, map[string]any{"body": "bye", "date_created": at(-time.Minute)["date_created"]})},
			"",
			false,
			false,
			0,
		},
		{
			"a trial's words before it",
			text,
			[]map[string]any{listed(1, map[string]any{"body": "Sent from your Twilio trial account - hello"})},
			"",
			true,
			false,
			dispatch.Sent,
		},
		{
			"smart encoding",
			message(`{"type":"text","text":{"body":"“it’s” here"}}`),
			[]map[string]any{listed(1, map[string]any{"body": `"it's" here`})},
			"",
			true,
			false,
			dispatch.Sent,
		},
		{"only older ones", text, []map[string]any{listed(1, at(-time.Hour))}, next, false, false, 0},
		{"another text", text, []map[string]any{listed(1, map[string]any{"body": "bye"})}, "", false, false, 0},
		{"another sender", text, []map[string]any{listed(1, map[string]any{"from": "+15550009999"})}, "", false, false, 0},
		{"an answer to the contact", text, []map[string]any{listed(1, map[string]any{"direction": "outbound-reply"})}, "", false, false, 0},
		{
			"one of two fits",
			text,
			[]map[string]any{listed(2, map[string]any{"body": "bye"}), listed(1, nil)},
			"",
			true,
			false,
			dispatch.Sent,
		},
		{"two alike", text, []map[string]any{listed(2, nil), listed(1, nil)}, "", false, true, 0},
		{"page ends too early", text, []map[string]any{listed(1, map[string]any{"body": "bye"})}, next, false, true, 0},
		{"status that says nothing", text, []map[string]any{listed(1, map[string]any{"status": "scheduled"})}, "", false, true, 0},
		{"no date", text, []map[string]any{listed(1, map[string]any{"date_created": "soon"})}, "", false, true, 0},
		{
			"files counted",
			album,
			[]map[string]any{listed(2, map[string]any{"num_media": "1"}), listed(1, map[string]any{"num_media": "2"})},
			"",
			true,
			false,
			dispatch.Sent,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("To") != "+15550001111" || q.Get("From") != "+15550002222" || len(q) != 3 {
					t.Errorf("asked for %s", r.URL.RawQuery)
				}
				answer := map[string]any{"messages": append([]map[string]any{}, tt.list...), "next_page_uri": nil}
				if tt.next != "" {
					answer["next_page_uri"] = tt.next
				}
				_ = json.NewEncoder(w).Encode(answer)
			}))
			t.Cleanup(s.Close)
			u, found, err := client(outbound.New(outbound.Options{})).Find(t.Context(), channel("sms", s.URL), tt.m)
			if found != tt.found || (err != nil) != tt.fails {
				t.Fatalf("got %+v, %v, %v", u, found, err)
			}
			if found &&
				(u.Status != tt.want || u.ID != id || u.ProviderID != fmt.Sprintf("SM%032x", 1) || u.Recipient != "+15550001111" || u.Channel != 7) {
				t.Errorf("got %+v", u)
			}
		})
	}
}

// An answer that isn't a list is no proof of absence.
func TestFind_NoList_CantBeSaid(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`<html>`, ``, `{}`, `null`, `{"messages":[{"sid":`, `{"code":20500,"message":"?"}` +
		strings.Repeat(" ", maxList)} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		t.Cleanup(s.Close)
		m := message(`{"type":"text","text":{"body":"hello"}}`)
		if _, found, err := client(outbound.New(outbound.Options{})).Find(t.Context(), channel("sms", s.URL), m); found || err == nil {
			t.Errorf("%.20q: found %v, %v", answer, found, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		answer string
		kind   provider.Kind // 0: works
	}{
		{"active", 200, `{"sid":"AC","status":"active"}`, 0},
		{"suspended", 200, `{"sid":"AC","status":"suspended"}`, provider.Denied},
		{"refused", 401, `{"code":20003,"message":"Authenticate"}`, provider.Denied},
		{"no such account", 404, `{"code":20404,"message":"not found"}`, provider.Permanent},
	}
	for _, tt := range tests {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.answer))
		}))
		t.Cleanup(s.Close)
		err := client(outbound.New(outbound.Options{})).Check(t.Context(), channel("sms", s.URL))
		if (tt.kind == 0) != (err == nil) || (err != nil && provider.AsError(err).Kind != tt.kind) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
