package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

func TestSend_Body(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, c := range map[string]Send{
		`{"text":{"body":"hi"},"to":"+1","type":"text"}`: {To: "+1", Text: "hi"},
		`{"template":{"name":"t","variables":["a","b=c"]},"to":"+1","type":"template"}`: {
			To: "+1", Template: "t",
			TemplateValues: admin.TemplateValues{Var: []string{"2=b=c", "1=a"}},
		},
		`{"template":{"language":"en","name":"t","variables":{"n":"a","1":""}},"to":"+1","type":"template"}`: {
			To: "+1", Template: "t",
			Language: "en", TemplateValues: admin.TemplateValues{Var: []string{"n=a", "1="}},
		},
		`{"send_at":"2026-01-02T03:14:05Z","text":{"body":"x"},"to":"+1","ttl_seconds":90,"type":"text"}`: {
			To: "+1", Text: "x",
			SendAt: "10m", TTL: 90 * time.Second,
		},
		`{"channel":"ch_1","lane":"otp","reference":"r","simulate":true,"text":{"body":"x"},"to":"+1","type":"text"}`: {
			To: "+1", Text: "x",
			Channel: "ch_1", Lane: "otp", Reference: "r", Simulate: true,
		},
	} {
		b, err := c.body(now)
		if err != nil {
			t.Fatal(err)
		}
		var w map[string]any
		if err := json.Unmarshal([]byte(want), &w); err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(b)
		norm, _ := json.Marshal(w)
		if !bytes.Equal(got, norm) {
			t.Errorf("got %s, want %s", got, norm)
		}
	}
	for _, c := range []Send{
		{Text: "x", TemplateValues: admin.TemplateValues{Var: []string{"1=a"}}},
		{Template: "t", TemplateValues: admin.TemplateValues{Var: []string{"a"}}},
		{Template: "t", TemplateValues: admin.TemplateValues{Var: []string{"a=1", "a=2"}}},
		{Text: "x", SendAt: "soon"},
		{Text: "x", TTL: 1},
	} {
		if _, err := c.body(now); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestTail_Interrupted_EndsCleanly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(": following\n\n"))
		_ = http.NewResponseController(w).Flush()
		cancel() // Ctrl-C
		<-r.Context().Done()
	}))
	defer srv.Close()
	var out, errOut bytes.Buffer
	c := &Tail{Flags: Flags{URL: srv.URL, KeyFile: clitest.KeyFile(t, auth.Generate(false))}}
	if err := c.Run(&console.Env{Ctx: ctx, Stdout: &out, Stderr: &errOut}); err != nil || out.Len()+errOut.Len() > 0 {
		t.Errorf("err %v, out %s, err %s", err, &out, &errOut)
	}
}

func TestDetail_OneLine(t *testing.T) {
	t.Parallel()
	ev := store.TimelineEvent{Outcome: "accepted", HTTP: 200, LatencyMS: 12, Code: "c", Detail: "two\n words", ProviderID: "wamid.1"}
	if got := detail(&ev); got != "accepted, HTTP 200, in 12 ms, c, two words, wamid.1" {
		t.Errorf("got %q", got)
	}
	if got := detail(&store.TimelineEvent{}); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestWaiting_IsASentence(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.Local)
	if got := waiting(&dispatch.View{WaitsFor: "retry", NextAttemptAt: &at}); !strings.HasPrefix(got, "waits for another try") ||
		!strings.HasSuffix(got, "2030-01-02 03:04:05") {
		t.Errorf("got %q", got)
	}
	if got := waiting(&dispatch.View{WaitsFor: "moon"}); got != "waits for moon" {
		t.Errorf("got %q", got)
	}
}

func TestWhy_NamesBothCodes(t *testing.T) {
	t.Parallel()
	if got := why(&dispatch.View{}); got != "" {
		t.Errorf("got %q", got)
	}
	var v dispatch.View
	if err := json.Unmarshal([]byte(`{"error":{"code":"permanent","provider_code":"131026","message":"undeliverable"}}`), &v); err != nil {
		t.Fatal(err)
	}
	if got := why(&v); got != ": permanent (the provider's 131026), undeliverable" {
		t.Errorf("got %q", got)
	}
}
