package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
)

func TestCell(t *testing.T) {
	t.Parallel()
	local := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Local().Format(time.DateTime)
	for text, want := range map[string]string{
		`null`: "-", `""`: "-", `"  "`: "-", `"two\n  words"`: "two words", `true`: "yes", `false`: "no",
		`12345678901234567890`: "12345678901234567890",
		`1.50`:                 "1.50", `"2026-01-02T03:04:05.678Z"`: local, `"2026-01-02"`: "2026-01-02", `[]`: "", `["a",null,true]`: "a,-,yes",
		`{"b":1,"a":"x"}`: `{"a":"x","b":1}`,
	} {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if got := cell(v); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestObject_At(t *testing.T) {
	t.Parallel()
	o := object{"a": map[string]any{"b": map[string]any{"c": 1}}, "x": "text"}
	for path, want := range map[string]any{"a.b.c": 1, "x": "text", "y": nil, "x.y": nil, "a.z.c": nil, "a.b.c.d": nil} {
		if got := o.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func TestGiven_LeavesOutWhatIsEmpty(t *testing.T) {
	t.Parallel()
	if got := given("x y"); got == nil || *got != "x y" || given("") != nil || given(int64(0)) != nil {
		t.Errorf("given: %v, %v, %v", got, given(""), given(int64(0)))
	}
}

// Address and key come from flags, the environment, or the dev.json of this folder,
// in this order; an address is that of a server, without a slash at its end.
func TestFlags_Client(t *testing.T) {
	key, other := auth.Generate(false), auth.Generate(true)
	t.Chdir(t.TempDir())
	var none Flags
	if _, err := none.client(); !errors.Is(err, console.ErrUsage) || !strings.Contains(err.Error(), "sendoff key create") {
		t.Errorf("without anything: %v", err)
	}
	dev := func(text string) {
		t.Helper()
		if err := os.MkdirAll(".sendoff", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(".sendoff", "dev.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dev(`{"base_url":`)
	if _, err := none.client(); !errors.Is(err, console.ErrUsage) || !strings.Contains(err.Error(), "dev.json") {
		t.Errorf("half a dev.json: %v", err)
	}
	dev(`{"base_url":"http://127.0.0.1:9","api_key":"` + key + `"}`)
	file := clitest.KeyFile(t, other)
	for _, c := range []struct {
		flags     Flags
		variable  string
		base, key string
	}{
		{Flags{}, "", "http://127.0.0.1:9", key},
		{Flags{KeyFile: file}, "", defaultURL, other},
		{Flags{}, other, defaultURL, other},
		{Flags{URL: "https://example.com/sendoff//"}, other, "https://example.com/sendoff", other},
		{Flags{URL: "http://[::1]:8080"}, other, "http://[::1]:8080", other},
	} {
		t.Setenv("SENDOFF_API_KEY", c.variable)
		if c.variable == "" {
			_ = os.Unsetenv("SENDOFF_API_KEY")
		}
		base, key, err := c.flags.access()
		if err != nil || base != c.base || key != c.key {
			t.Errorf("%+v with %q: %s, %s, %v", c.flags, c.variable, base, key, err)
		}
	}
	if err := os.Unsetenv("SENDOFF_API_KEY"); err != nil { // t.Setenv restores it
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags Flags
		want  string
	}{
		{Flags{URL: "ftp://example.com", KeyFile: file}, "--url"},
		{Flags{URL: "example.com:8080", KeyFile: file}, "--url"},
		{Flags{URL: "http://", KeyFile: file}, "--url"},
		{Flags{URL: "http://example.com"}, "no API key"}, // the key of dev.json is for its own address
		{Flags{KeyFile: clitest.KeyFile(t, key[:20])}, "is incomplete"},
		{Flags{KeyFile: clitest.KeyFile(t, key+"\n"+key)}, "key"},
	} {
		if cl, err := c.flags.client(); !errors.Is(err, console.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %+v, %v; want %q", c.flags, cl, err, c.want)
		}
	}
}

func TestCampaignView_Line(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]string{
		`"status":"draft"`: `draft`,
		`"status":"paused","reason":"asked","counts":{"total":10,"waiting":4,"held":1,"queued":1,"sending":1},"in_flight":2`://
		`paused (asked): 3 of 10 done, 1 held; 2 calls were under way`,
		`"status":"running","counts":{"total":9,"delivered":2,"failed":1,"skipped":3},"rate_now":12.4,"limited_by":"nothing"`://
		`running: 9 of 9 done, 2 delivered, 1 failed, 3 skipped, 12/s`,
		`"status":"running","counts":{"total":9,"waiting":9},"limited_by":"quiet_hours","ends_at":"2026-01-02T03:04:05Z"`://
		`running: 0 of 9 done, 0/s, limited by quiet hours, ends about ` + ends.Local().Format(time.DateTime),
		`"status":"finished","counts":{"total":6,"read":1,"unknown":2,"expired":1,"cancelled":2},"in_flight":0`://
		`finished: 6 of 6 done, 1 read, 2 unknown, 1 expired, 2 cancelled; 0 calls were under way`,
	} {
		var v campaignView
		if err := json.Unmarshal([]byte(`{"id":7,"name":"A",`+text+`}`), &v); err != nil {
			t.Fatal(err)
		}
		if got := v.line(); got != `campaign 7 "A" is `+want {
			t.Errorf("%s\nis %q\nwant %q", text, got, want)
		}
	}
}

func TestValidation_Print(t *testing.T) {
	t.Parallel()
	at := func(hour int) string {
		return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC).Local().Format(time.DateTime)
	}
	for text, want := range map[string]string{
		`{"ready":true,"recipients":5}`: "ready: 5 recipients\n",
		`{"ready":true,"recipients":5,"would_skip":{"duplicate":2,"bad_number":1},"price":"12.50","starts_at":"2026-01-02T03:00:00Z",
			"ends_at":"2026-01-02T04:00:00Z","late":3}`: "ready: 5 recipients, 1 skipped (bad_number), 2 skipped (duplicate)\n" +
			"price: 12.50 credits\nfrom " + at(3) + " to " + at(4) + "\n3 would be late\n",
		`{"ready":false,"price":0,"problems":[{"row":2,"to":"12","reason":"bad_number","field":"to","detail":"is no number"},
			{"row":3,"line":4,"to":"+1","reason":"missing_field","field":"name","detail":"has no value"}]}`: "not ready\n" +
			"  row 2, to 12: bad_number: is no number\n  line 4, to +1: missing_field name: has no value\n",
	} {
		var v validation
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		v.print(&console.Env{Stdout: &out})
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "[" + strings.Repeat("-", 30) + "]", 1: "[" + strings.Repeat("#", 10) + strings.Repeat("-", 20) + "]",
		3: "[" + strings.Repeat("#", 30) + "]",
	} {
		if got := bars(n, 3); got != want {
			t.Errorf("%d of 3 are %s", n, got)
		}
	}
	if got := bars(0, 0); got != "["+strings.Repeat("-", 30)+"]" {
		t.Errorf("nothing of nothing is %s", got)
	}
}

// On a terminal one line is drawn again; elsewhere lines come every few seconds, and
// with --json none.
func TestProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	bar := &progress{out: &out, bar: true}
	bar.show("uploaded", 50, 100)
	bar.show("rows", 7, 0)
	bar.end()
	bar.end()
	long := "uploaded [" + strings.Repeat("#", 15) + strings.Repeat("-", 15) + "]  50 %"
	if got, want := out.String(), "\r"+long+"\rrows 7"+strings.Repeat(" ", len(long)-6)+"\n"; got != want {
		t.Errorf("drawn %q, want %q", got, want)
	}
	out.Reset()
	plain := newProgress(&console.Env{Stderr: &out}, false)
	plain.show("rows", 1, 0)
	plain.next = time.Now().Add(-time.Second)
	plain.show("rows", 2, 0)
	plain.show("rows", 3, 0)
	plain.end()
	if out.String() != "rows 2\n" {
		t.Errorf("printed %q", out.String())
	}
	silent := newProgress(&console.Env{Stderr: &out}, true)
	out.Reset()
	silent.next = time.Time{}
	silent.show("rows", 1, 0)
	if out.Len() > 0 {
		t.Errorf("with --json %q", out.String())
	}
}

// A terminal is a device of characters, a file or a pipe is none.
func TestTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	if terminal(file) || terminal(&bytes.Buffer{}) || !terminal(device) {
		t.Errorf("file %v, buffer %v, device %v", terminal(file), terminal(&bytes.Buffer{}), terminal(device))
	}
}

func TestTail_Show(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	clock := at.Local().Format("15:04:05.000")
	for _, c := range []struct {
		ev   liveEvent
		want string
	}{
		{liveEvent{Type: "message.sent", At: at, Message: "m1"}, clock + "  message.sent        m1  \n"},
		{liveEvent{Type: "message.failed", At: at, Message: "m1", Cause: "call", Code: "recipient", Detail: "two\nwords"}, clock +
			"  message.failed      m1  call, recipient, two words\n"},
		{liveEvent{Type: "channel.paused", At: at, Channel: 3, Detail: "asked"}, clock + "  channel.paused      channel 3  asked\n"},
		{liveEvent{Type: "message.read", At: at, Message: "m1"}, ""}, // of a type that is not wanted
	} {
		var out bytes.Buffer
		tl := &tail{cmd: &Tail{Type: []string{"message.sent", "message.failed", "channel.paused"}}, env: &console.Env{Stdout: &out}}
		if err := tl.show(&c.ev); err != nil || out.String() != c.want {
			t.Errorf("%+v is %q, want %q, %v", c.ev, out.String(), c.want, err)
		}
	}
	var out bytes.Buffer
	tl := &tail{cmd: &Tail{Flags: Flags{JSON: true}, Count: 2}, env: &console.Env{Stdout: &out}}
	if err := tl.show(&liveEvent{ID: "e1", Type: "message.sent", At: at, Message: "m1", Seq: 2}); err != nil ||
		out.String() != `{"id":"e1","type":"message.sent","at":"2026-01-02T03:04:05.678Z","message_id":"m1","sequence":2}`+"\n" {
		t.Errorf("%s %v", out.String(), err)
	}
	if err := tl.show(&liveEvent{}); !errors.Is(err, errEnough) {
		t.Errorf("after the second of two: %v", err)
	}
}

// A server that is away is tried again, with what is wrong said once a try, until
// Ctrl-C; the stream that follows goes on as if nothing had been.
func TestTail_ServerAway_TriesAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch calls++; calls {
		case 1:
			http.Error(w, "starting", http.StatusBadGateway)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"detail":"too many streams","code":"unavailable"}`))
		default:
			_, _ = w.Write([]byte("id: e9\ndata: {\"type\":\"message.sent\",\"message_id\":\"m1\"}\n\n"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	defer srv.Close()
	var errOut bytes.Buffer
	c := &Tail{Flags: Flags{URL: srv.URL, KeyFile: clitest.KeyFile(t, auth.Generate(false))}}
	if err := c.Run(&console.Env{Ctx: ctx, Stdout: cancels{cancel}, Stderr: &errOut}); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSpace(errOut.String()), "\n")
	if calls != 3 || len(lines) != 2 ||
		!strings.HasSuffix(lines[0], "answered 502 Bad Gateway: not Sendoff's API? check --url; again in 500ms") ||
		lines[1] != "sendoff: too many streams (503 unavailable); again in 1s" {
		t.Errorf("%d calls, %q", calls, lines)
	}
}

// cancels is an output at whose first text a person presses Ctrl-C.
type cancels struct{ cancel context.CancelFunc }

func (c cancels) Write(b []byte) (int, error) { c.cancel(); return len(b), nil }
