package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/storetest"
)

// front is a running Sendoff with one Meta channel at an emulator.
type front struct {
	*place
	args []string // that name address and key
}

func newFront(t *testing.T) *front {
	t.Helper()
	p := newPlace(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{
		PostgresURL: config.Secret(p.url), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: testSecretKey, PublicURL: "http://" + listen,
		PostgresConns: 8, ShutdownGrace: 2 * time.Second,
	}
	p.emulatedAt(cfg.PublicURL)
	p.ok(orderTemplate, "template", "create", "-")
	log := slog.New(slog.DiscardHandler)
	w, err := app.Work(cfg, "", cfg.PublicURL, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop() })
	s, err := app.Serve(cfg, listen, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	k := read[keyView](t, p.ok("", "key", "create", "--name", "cli", "--json"))
	return &front{p, []string{"--url", cfg.PublicURL, "--key-file", keyFile(t, k.Secret)}}
}

func keyFile(t *testing.T, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func (f *front) call(args ...string) result { return sendoff("", append(args, f.args...)...) }

func TestSend_WaitStatusTail_AgainstAFrontDoor(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.call("send", "--to", "+15550000106", "--template", "order", "--var", "1=Ada", "--var", "2=A-17", "--reference", "r1", "--wait", "--json")
	m := read[dispatch.View](t, r)
	if r.code != 0 || (m.StatusName != "delivered" && m.StatusName != "read") || m.Reference != "r1" {
		t.Fatalf("code %d, %s: %s", r.code, m.StatusName, r.errOut)
	}
	f.call("send", "--to", "+15550000104", "--template", "order", "--var", "name=Ada", "--var", "order_id=A-18", "--wait").mustFail(t, 1, "failed: ")
	f.call("send", "--to", "+15550000100", "--template", "order", "--simulate", "--var", "1=Ada").mustFail(t, 1, "422 validation_failed")
	if r := f.call("send", "--to", "+15550000100", "--template", "order", "--simulate", "--var", "1=Ada", "--var", "2=x"); r.code != 0 || !strings.Contains(r.out, "would be sent") {
		t.Errorf("simulate: code %d: %s%s", r.code, r.out, r.errOut)
	}
	if r := f.call("send", "--to", "+15550000100", "--template", "order", "--var", "1=Ada", "--var", "2=x", "--send-at", "10m"); !strings.Contains(r.out, "is scheduled") {
		t.Errorf("scheduled: %s%s", r.out, r.errOut)
	}
	r = f.call("status", m.ID.String())
	for _, want := range []string{m.ID.String() + "  template to +15550000106", "attempt", "accepted", "delivered"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("status does not say %q:\n%s", want, r.out)
		}
	}
	type view struct {
		Events []store.TimelineEvent `json:"events"`
	}
	if v := read[view](t, f.call("status", m.ID.String(), "--json")); len(v.Events) < 4 {
		t.Errorf("%d events", len(v.Events))
	}
	f.call("status", "01890000-0000-7000-8000-000000000000").mustFail(t, 1, "404 not_found")
	start := store.Position{XID: 1}.String()
	if r := f.call("tail", "--since", start, "--count", "2", "--json"); r.code != 0 || strings.Count(r.out, "\n") != 2 {
		t.Errorf("tail: code %d: %s%s", r.code, r.out, r.errOut)
	}
	f.mustHide()
}

func TestRemote_KeyMissingOrWrong_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	sendoff("", "status", "x", "--url", "http://127.0.0.1:1").mustFail(t, 2, "sendoff key create")
	sendoff("", "status", "x", "--key-file", keyFile(t, "sk_live_tooshort")).mustFail(t, 2, "not whole")
	good := keyFile(t, auth.Generate(false))
	sendoff("", "status", "x", "--key-file", good, "--url", "nowhere").mustFail(t, 2, "--url")
	sendoff("", "status", "x", "--key-file", good, "--url", "http://127.0.0.1:1").mustFail(t, 1, "does not answer")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	sendoff("", "status", "x", "--key-file", good, "--url", other.URL).mustFail(t, 1, "not Sendoff's API?")
	r := sendoff("", "send", "--to", "+15550000100", "--text", "x", "--key-file", good, "--url", "http://127.0.0.1:1", "--idempotency-key", "again")
	r.mustFail(t, 1, "--idempotency-key again")
}

func TestRemote_NothingGiven_UsesDevsFile(t *testing.T) {
	key := auth.Generate(false)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			t.Error("not dev.json's key")
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"message_id":"m1","status":"queued","to":"+15550000100","channel_id":1}`))
	}))
	defer srv.Close()
	t.Chdir(t.TempDir())
	b, err := json.Marshal(devFile{BaseURL: srv.URL, APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(".sendoff", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(".sendoff", "dev.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := sendoff("", "send", "--to", "+15550000100", "--text", "x"); r.code != 0 || !strings.Contains(r.out, "message m1 is queued") {
		t.Errorf("code %d: %s%s", r.code, r.out, r.errOut)
	}
}

func TestSend_Body(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, c := range map[string]sendCmd{
		`{"text":{"body":"hi"},"to":"+1","type":"text"}`:                                                              {To: "+1", Text: "hi"},
		`{"template":{"name":"t","variables":["a","b=c"]},"to":"+1","type":"template"}`:                               {To: "+1", Template: "t", templateValues: templateValues{Var: []string{"2=b=c", "1=a"}}},
		`{"template":{"language":"en","name":"t","variables":{"n":"a","1":""}},"to":"+1","type":"template"}`:          {To: "+1", Template: "t", Language: "en", templateValues: templateValues{Var: []string{"n=a", "1="}}},
		`{"send_at":"2026-01-02T03:14:05Z","text":{"body":"x"},"to":"+1","ttl_seconds":90,"type":"text"}`:             {To: "+1", Text: "x", SendAt: "10m", TTL: 90 * time.Second},
		`{"channel":"ch_1","lane":"otp","reference":"r","simulate":true,"text":{"body":"x"},"to":"+1","type":"text"}`: {To: "+1", Text: "x", Channel: "ch_1", Lane: "otp", Reference: "r", Simulate: true},
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
	for _, c := range []sendCmd{{Text: "x", templateValues: templateValues{Var: []string{"1=a"}}}, {Template: "t", templateValues: templateValues{Var: []string{"a"}}}, {Template: "t", templateValues: templateValues{Var: []string{"a=1", "a=2"}}}, {Text: "x", SendAt: "soon"}, {Text: "x", TTL: 1}} {
		if _, err := c.body(now); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// A stream that breaks is resumed after the last event seen.
func TestTail_BrokenStream_ResumesWithoutGap(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		if last, want := r.Header.Get("Last-Event-Id"), []string{"", "e1", "p2", "e3"}[n-1]; last != want {
			t.Errorf("call %d resumes at %q, want %q", n, last, want)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, ": following\n\nid: e%d\nevent: message.sent\ndata: {\"type\":\"message.sent\",\"at\":\"2026-01-02T03:04:05Z\",\"message_id\":\"m%d\"}\n\n", n, n)
		if n == 2 {
			_, _ = fmt.Fprintf(w, "id: p%d\n: still here\n\n", n)
		}
		_, _ = fmt.Fprint(w, "id: cut")
	}))
	defer srv.Close()
	r := sendoff("", "tail", "--url", srv.URL, "--key-file", keyFile(t, auth.Generate(false)), "--count", "3", "--json")
	if r.code != 0 || strings.Count(r.out, "\n") != 3 || !strings.Contains(r.out, `"id":"e3"`) {
		t.Errorf("code %d: %s%s", r.code, r.out, r.errOut)
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
	c := &tailCmd{remote: remote{URL: srv.URL, KeyFile: keyFile(t, auth.Generate(false))}}
	if err := c.Run(&env{ctx: ctx, stdout: &out, stderr: &errOut}); err != nil || out.Len()+errOut.Len() > 0 {
		t.Errorf("err %v, out %s, err %s", err, &out, &errOut)
	}
}

func TestTail_Refused_Ends(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"status":401,"detail":"unknown key","code":"unauthorized"}`))
	}))
	defer srv.Close()
	sendoff("", "tail", "--url", srv.URL, "--key-file", keyFile(t, auth.Generate(false))).mustFail(t, 1, "unknown key (401 unauthorized); look at SENDOFF_API_KEY")
}
