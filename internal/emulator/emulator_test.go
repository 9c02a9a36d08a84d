package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// rig is an emulator with a Meta channel whose callbacks come to a sink that
// reads them as the service does.
type rig struct {
	t      *testing.T
	server *emulator.Server
	base   string
	ch     *dispatch.Channel
	client *meta.Client
	got    chan provider.Callback
}

// newRig starts one. status, if not nil, answers each callback.
func newRig(t *testing.T, o emulator.Options, status func() int) *rig {
	t.Helper()
	r := &rig{t: t, client: meta.New(outbound.New(outbound.Options{})), got: make(chan provider.Callback, 10_000)}
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		cb, err := r.client.ParseCallback(r.ch, req, "", body)
		if err != nil {
			t.Errorf("callback: %v", err)
		}
		if status != nil {
			w.WriteHeader(status())
		}
		r.got <- cb
	}))
	if o.Settings == nil {
		st := emulator.DefaultSettings()
		st.CallbackDelayMS = 5
		o.Settings = &st
	}
	r.server = emulator.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(l) }()
	r.base = "http://" + l.Addr().String()
	r.ch = metaChannel(r.base, sink.URL+"/callbacks/meta/meta-demo")
	r.server.Register(r.ch)
	t.Cleanup(func() {
		if err := r.server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		sink.Close()
	})
	return r
}

// send makes one call with a second's patience.
func (r *rig) send(m *dispatch.Message) (provider.Accepted, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
	defer cancel()
	return r.client.Send(ctx, r.ch, m)
}

// updates waits for n statuses and returns them in the order of arrival.
func (r *rig) updates(n int) []dispatch.StatusUpdate {
	r.t.Helper()
	var us []dispatch.StatusUpdate
	for len(us) < n {
		select {
		case cb := <-r.got:
			us = append(us, cb.Statuses...)
		case <-time.After(30 * time.Second):
			r.t.Fatalf("%d of %d statuses came: %+v", len(us), n, us)
		}
	}
	return us
}

// quiet fails when another callback is on its way.
func (r *rig) quiet() {
	r.t.Helper()
	var c struct {
		Waiting int `json:"waiting"`
	}
	for r.get("/_emulator/callbacks", &c); c.Waiting > 0; r.get("/_emulator/callbacks", &c) {
		if r.t.Context().Err() != nil {
			return
		}
	}
	if len(r.got) > 0 {
		r.t.Errorf("%d callbacks too many", len(r.got))
	}
}

func (r *rig) get(path string, into any) {
	r.t.Helper()
	r.call(http.MethodGet, path, "", http.StatusOK, into)
}

func (r *rig) call(method, path, body string, status int, into any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != status {
		r.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			r.t.Fatalf("%s: %v", b, err)
		}
	}
}

// count is how many copies to a recipient were accepted.
func (r *rig) count(to string) int {
	r.t.Helper()
	var c struct {
		Count int `json:"count"`
	}
	r.get("/_emulator/count?to="+url.QueryEscape(to), &c)
	return c.Count
}

func kindOf(t *testing.T, err error) provider.Kind {
	t.Helper()
	if err == nil {
		return 0
	}
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *provider.Error", err)
	}
	return e.Kind
}

// The table of magic recipients, at the wire: what each call for one message becomes,
// and the callbacks.
func TestMagicRecipients(t *testing.T) {
	t.Parallel()
	const (
		s, d, rd, f = dispatch.Sent, dispatch.Delivered, dispatch.Read, dispatch.Failed
		ok          = provider.Kind(0)
	)
	for _, c := range []struct {
		digits   string
		calls    []provider.Kind
		accepted int
		statuses []dispatch.Status
	}{
		{"0100", []provider.Kind{ok}, 1, []dispatch.Status{s, d}},
		{"4711", []provider.Kind{ok}, 1, []dispatch.Status{s, d}},
		{"0101", []provider.Kind{provider.Throttled, provider.Throttled, ok}, 1, []dispatch.Status{s, d}},
		{"0102", []provider.Kind{provider.Temporary, provider.Temporary, ok}, 1, []dispatch.Status{s, d}},
		{"0103", []provider.Kind{provider.Temporary, provider.Temporary, provider.Temporary, provider.Temporary}, 0, nil},
		{"0104", []provider.Kind{provider.Permanent}, 0, nil},
		{"0105", []provider.Kind{provider.Uncertain}, 1, []dispatch.Status{s, d}},
		{"0106", []provider.Kind{ok}, 1, []dispatch.Status{s, d, rd}},
		{"0107", []provider.Kind{ok}, 1, nil},
		{"0108", []provider.Kind{ok}, 1, []dispatch.Status{f}},
		{"0109", []provider.Kind{ok}, 1, []dispatch.Status{d, d, s, s}},
		{"0110", []provider.Kind{provider.Uncertain, ok}, 1, []dispatch.Status{s, d}},
	} {
		t.Run(c.digits, func(t *testing.T) {
			t.Parallel()
			st := emulator.DefaultSettings()
			st.CallbackDelayMS = 30
			r := newRig(t, emulator.Options{Settings: &st}, nil)
			to := "+1555000" + c.digits
			for round := 1; round <= 2; round++ { // a second message to the same recipient fares the same
				m := textTo(to)
				for i, want := range c.calls {
					_, err := r.send(m)
					if got := kindOf(t, err); got != want {
						t.Fatalf("message %d, call %d: got %s (%v), want %s", round, i+1, got, err, want)
					}
					if e, _ := errors.AsType[*provider.Error](err); want == provider.Throttled && e.RetryAfter != time.Second {
						t.Errorf("Retry-After %s, want 1s", e.RetryAfter)
					}
				}
				us := r.updates(len(c.statuses))
				got := make([]dispatch.Status, len(us))
				for i, u := range us {
					got[i] = u.Status
					if u.ID != m.ID || u.WaID != to[1:] {
						t.Errorf("update of message %s to %s: %+v", m.ID, to, u)
					}
				}
				if !slices.Equal(got, c.statuses) {
					t.Errorf("message %d: callbacks %v, want %v", round, got, c.statuses)
				}
				if n := r.count(to); n != round*c.accepted {
					t.Errorf("message %d: %d copies accepted, want %d", round, n, round*c.accepted)
				}
			}
			r.quiet()
		})
	}
}

func TestCallback_NotAnswered_IsRepeated(t *testing.T) {
	t.Parallel()
	answers := make(chan int, 10)
	for _, a := range []int{500, 404, 302, 200, 200} {
		answers <- a
	}
	r := newRig(t, emulator.Options{}, func() int { return <-answers })
	if _, err := r.send(textTo("+15550000108")); err != nil { // one callback: failed
		t.Fatal(err)
	}
	start := time.Now()
	us := r.updates(4)
	for _, u := range us {
		if u.Status != dispatch.Failed || u.ProviderCode != "131026" || u.Code != dispatch.FailRecipient {
			t.Errorf("got %+v", u)
		}
		if u.ProviderID != us[0].ProviderID || !u.At.Equal(us[0].At) {
			t.Errorf("the repetition differs: %+v and %+v", u, us[0])
		}
	}
	if d := time.Since(start); d < 1700*time.Millisecond { // 0.2 + 0.5 + 1 s
		t.Errorf("repeated within %s", d)
	}
}

func TestCallbacks_DueTogether_ShareOne(t *testing.T) {
	t.Parallel()
	st := emulator.DefaultSettings()
	st.CallbackDelayMS, st.CallbackBatch = 300, 1000
	r := newRig(t, emulator.Options{Settings: &st}, nil)
	for i := range 20 {
		if _, err := r.send(textTo(fmt.Sprintf("+1555000%04d", 2000+i))); err != nil {
			t.Fatal(err)
		}
	}
	calls, most, sum := 0, 0, 0
	for sum < 40 {
		select {
		case cb := <-r.got:
			calls, most, sum = calls+1, max(most, len(cb.Statuses)), sum+len(cb.Statuses)
		case <-time.After(30 * time.Second):
			t.Fatalf("%d statuses came", sum)
		}
	}
	if sum != 40 || calls > 40 || most < 1 {
		t.Errorf("%d statuses in %d callbacks, at most %d", sum, calls, most)
	}
}

// The callbacks of recipients in 0114 come to the address of the app's first
// number, those of its other numbers in the same body.
func TestCallbacks_OfSeveralNumbers_ShareOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	second := *r.ch
	second.Key, second.Sender, second.Settings = "z-second", "+15550002299", maps.Clone(r.ch.Settings)
	second.Settings["phone_number_id"], second.Settings["callback_url"] = "1065409999", "http://127.0.0.1:1/nobody"
	r.server.Register(&second)
	deadline := time.After(20 * time.Second)
	for n := 0; ; n++ {
		m := textTo(fmt.Sprintf("+15550%02d0114", n%100))
		if _, err := r.send(m); err != nil {
			t.Fatal(err)
		}
		if _, err := r.client.Send(t.Context(), &second, m); err != nil {
			t.Fatal(err)
		}
		select {
		case cb := <-r.got:
			if len(cb.Statuses) > 0 && len(cb.Others) == 1 && cb.Others[0].Number.Value == "1065409999" && len(cb.Others[0].Statuses) > 0 {
				return
			}
		case <-deadline:
			t.Fatal("no callback about both numbers came")
		}
	}
}
