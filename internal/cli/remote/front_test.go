package remote_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// sendoff runs a command without a server of its own.
func sendoff(stdin string, args ...string) clitest.Result {
	return clitest.Run(cli.Run).Do(stdin, args...)
}

func TestSend_WaitStatusTail_AgainstAFrontDoor(t *testing.T) {
	t.Parallel()
	f := clitest.NewFront(t, cli.Run)
	r := f.Call("send", "--to", "+15550000106", "--template", "order", "--var", "1=Ada", "--var", "2=A-17", "--reference", "r1",
		"--wait", "--json")
	m := clitest.Read[dispatch.View](t, r)
	if r.Code != 0 || (m.StatusName != "delivered" && m.StatusName != "read") || m.Reference != "r1" {
		t.Fatalf("code %d, %s: %s", r.Code, m.StatusName, r.Err)
	}
	f.Call("send", "--to", "+15550000104", "--template", "order", "--var", "name=Ada", "--var", "order_id=A-18", "--wait").
		MustFail(t, 1, "failed: ")
	f.Call("send", "--to", "+15550000100", "--template", "order", "--simulate", "--var", "1=Ada").MustFail(t, 1, "422 validation_failed")
	if r := f.Call("send", "--to", "+15550000100", "--template", "order", "--simulate", "--var", "1=Ada", "--var", "2=x"); r.Code != 0 ||
		!strings.Contains(r.Out, "would be sent") {
		t.Errorf("simulate: code %d: %s%s", r.Code, r.Out, r.Err)
	}
	if r := f.Call("send", "--to", "+15550000100", "--template", "order", "--var", "1=Ada", "--var", "2=x", "--send-at",
		"10m"); !strings.Contains(
		r.Out,
		"is scheduled",
	) {
		t.Errorf("scheduled: %s%s", r.Out, r.Err)
	}
	r = f.Call("status", m.ID.String())
	for _, want := range []string{m.ID.String() + "  template to +15550000106", "attempt", "accepted", "delivered"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("status does not say %q:\n%s", want, r.Out)
		}
	}
	type view struct {
		Events []store.TimelineEvent `json:"events"`
	}
	if v := clitest.Read[view](t, f.Call("status", m.ID.String(), "--json")); len(v.Events) < 4 {
		t.Errorf("%d events", len(v.Events))
	}
	f.Call("status", "01890000-0000-7000-8000-000000000000").MustFail(t, 1, "404 not_found")
	start := dispatch.Position{XID: 1}.String()
	if r := f.Call("tail", "--since", start, "--count", "2", "--json"); r.Code != 0 || strings.Count(r.Out, "\n") != 2 {
		t.Errorf("tail: code %d: %s%s", r.Code, r.Out, r.Err)
	}
	f.MustHide()
}

func TestRemote_KeyMissingOrWrong_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	sendoff("", "status", "x", "--url", "http://127.0.0.1:1").MustFail(t, 2, "sendoff key create")
	sendoff("", "status", "x", "--key-file", clitest.KeyFile(t, "sk_live_tooshort")).MustFail(t, 2, "is incomplete")
	good := clitest.KeyFile(t, auth.Generate(false))
	sendoff("", "status", "x", "--key-file", good, "--url", "nowhere").MustFail(t, 2, "--url")
	sendoff("", "status", "x", "--key-file", good, "--url", "http://127.0.0.1:1").MustFail(t, 1, "does not answer")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	sendoff("", "status", "x", "--key-file", good, "--url", other.URL).MustFail(t, 1, "not Sendoff's API?")
	r := sendoff("", "send", "--to", "+15550000100", "--text", "x", "--key-file", good, "--url", "http://127.0.0.1:1",
		"--idempotency-key", "again")
	r.MustFail(t, 1, "--idempotency-key again")
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
	b, err := json.Marshal(map[string]string{"base_url": srv.URL, "api_key": key})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(".sendoff", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(".sendoff", "dev.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := sendoff("", "send", "--to", "+15550000100", "--text", "x"); r.Code != 0 || !strings.Contains(r.Out, "message m1 is queued") {
		t.Errorf("code %d: %s%s", r.Code, r.Out, r.Err)
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
		_, _ = fmt.Fprintf(
			w,
			": following\n\nid: e%d\nevent: message.sent\ndata: {\"type\":\"message.sent\",\"at\":\"2026-01-02T03:04:05Z\","+
				"\"message_id\":\"m%d\"}\n\n",
			n,
			n,
		)
		if n == 2 {
			_, _ = fmt.Fprintf(w, "id: p%d\n: still here\n\n", n)
		}
		_, _ = fmt.Fprint(w, "id: cut")
	}))
	defer srv.Close()
	r := sendoff("", "tail", "--url", srv.URL, "--key-file", clitest.KeyFile(t, auth.Generate(false)), "--count", "3", "--json")
	if r.Code != 0 || strings.Count(r.Out, "\n") != 3 || !strings.Contains(r.Out, `"id":"e3"`) {
		t.Errorf("code %d: %s%s", r.Code, r.Out, r.Err)
	}
}

func TestTail_Refused_Ends(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"status":401,"detail":"unknown key","code":"unauthorized"}`))
	}))
	defer srv.Close()
	sendoff("", "tail", "--url", srv.URL, "--key-file", clitest.KeyFile(t, auth.Generate(false))).
		MustFail(t, 1, "unknown key (401 unauthorized); check SENDOFF_API_KEY")
}
