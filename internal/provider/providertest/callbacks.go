package providertest

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// CallbackAddress is the public address of callbacks in these tests.
const CallbackAddress = "https://sendoff.test/callbacks/provider/key"

// testCallbacks reads golden callbacks, and refuses forged ones.
func testCallbacks(t *testing.T, c Case, p provider.Provider) {
	t.Parallel()
	for _, cb := range c.Callbacks {
		t.Run(cb.Name, func(t *testing.T) {
			t.Parallel()
			ch, body := c.Channel("http://provider.test"), []byte(cb.Body)
			start := time.Now().Add(-time.Second)
			got, err := p.ParseCallback(ch, c.signed(ch, body), CallbackAddress, body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(cb.Want, settle(t, got, cb.Want, start)); diff != "" {
				t.Errorf("read otherwise (-want +got):\n%s", diff)
			}
			// A repeated callback is read as the same evidence, so that it can
			// be recognised.
			again, err := p.ParseCallback(ch, c.signed(ch, body), CallbackAddress, body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(cb.Want, settle(t, again, cb.Want, start)); diff != "" {
				t.Errorf("a repeated callback is read otherwise (-want +got):\n%s", diff)
			}
			if c.Sign != nil {
				testForged(t, c, p, ch, body)
			} else {
				testForgedAddress(t, c, p, ch, body)
			}
		})
	}
}

// settle checks that a time which the callback doesn't carry is that of its
// arrival, and takes it out of the comparison.
func settle(t *testing.T, got, want provider.Callback, start time.Time) provider.Callback {
	t.Helper()
	recent := func(at, want time.Time) time.Time {
		if !want.IsZero() {
			return at
		}
		if at.Before(start) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("a status without a time is put at %s", at)
		}
		return time.Time{}
	}
	for i := range min(len(got.Statuses), len(want.Statuses)) {
		got.Statuses[i].At = recent(got.Statuses[i].At, want.Statuses[i].At)
		if want.Statuses[i].Extra == "" { // the tests of package webhook have it
			got.Statuses[i].Extra = ""
		}
	}
	for i := range min(len(got.Inbound), len(want.Inbound)) {
		got.Inbound[i].At = recent(got.Inbound[i].At, want.Inbound[i].At)
		if reflect.ValueOf(want.Inbound[i].Content).IsZero() { // the round trips of package webhook have it
			got.Inbound[i].Content = dispatch.InboundContent{}
		}
	}
	for i := range min(len(got.Reports), len(want.Reports)) {
		got.Reports[i].At = recent(got.Reports[i].At, want.Reports[i].At)
	}
	if want.Unread == nil && want.Others == nil && want.Notes == nil { // the tests of package api have them
		got.Unread, got.Others, got.Notes = nil, nil, nil
	}
	return got
}

// signed makes the callback's request. A provider that signs nothing has the
// channel's callback_secret as the last segment of the address, which the
// route hands on as a path value.
func (c Case) signed(ch *dispatch.Channel, body []byte) *http.Request {
	if c.Sign != nil {
		return c.Sign(ch, CallbackAddress, body)
	}
	r := httptest.NewRequest(http.MethodPost, CallbackAddress, bytes.NewReader(body))
	r.Header.Set("Content-Type", c.ContentType)
	r.SetPathValue("secret", ch.Secrets["callback_secret"])
	return r
}

// testForgedAddress tries what an attacker could who has all of the address
// but the secret.
func testForgedAddress(t *testing.T, c Case, p provider.Provider, ch *dispatch.Channel, body []byte) {
	t.Helper()
	secret := ch.Secrets["callback_secret"]
	bare := *ch
	bare.Secrets = nil
	for name, f := range map[string]struct {
		ch     *dispatch.Channel
		secret string
	}{
		"without a secret":                         {ch, ""},
		"another secret":                           {ch, strings.Repeat("x", len(secret))},
		"the beginning of the secret":              {ch, secret[:len(secret)-1]},
		"more than the secret":                     {ch, secret + "x"},
		"to a channel without secrets":             {&bare, secret},
		"without a secret, to a channel with none": {&bare, ""},
	} {
		r := c.signed(ch, body)
		r.SetPathValue("secret", f.secret)
		cb, err := p.ParseCallback(f.ch, r, CallbackAddress, body)
		if !errors.Is(err, provider.ErrBadSignature) || len(cb.Statuses)+len(cb.Inbound) > 0 {
			t.Errorf("%s: got %+v and %v, want ErrBadSignature", name, cb, err)
		}
	}
}

// testForged tries what an attacker could.
func testForged(t *testing.T, c Case, p provider.Provider, ch *dispatch.Channel, body []byte) {
	t.Helper()
	good := c.signed(ch, body)
	unsigned := httptest.NewRequest(http.MethodPost, CallbackAddress, bytes.NewReader(body))
	unsigned.Header.Set("Content-Type", good.Header.Get("Content-Type"))

	stranger := *ch
	stranger.Secrets = make(map[string]string)
	for k, v := range ch.Secrets {
		stranger.Secrets[k] = v + "x"
	}
	bare := *ch
	bare.Secrets = nil

	altered := append(bytes.Clone(body), ' ')
	for name, f := range map[string]struct {
		ch   *dispatch.Channel
		r    *http.Request
		body []byte
	}{
		"without signature":                   {ch, unsigned, body},
		"signed with other secrets":           {ch, c.signed(&stranger, body), body},
		"to a channel with other secrets":     {&stranger, good, body},
		"to a channel without secrets":        {&bare, good, body},
		"signed without a secret for nothing": {&bare, c.signed(&bare, body), body},
		"altered":                             {ch, good, altered},
		"emptied":                             {ch, good, nil},
	} {
		cb, err := p.ParseCallback(f.ch, f.r, CallbackAddress, f.body)
		if !errors.Is(err, provider.ErrBadSignature) || len(cb.Statuses)+len(cb.Inbound) > 0 {
			t.Errorf("%s: got %+v and %v, want ErrBadSignature", name, cb, err)
		}
	}
}

// noLeak waits for the goroutines that calls left behind to end. Connections
// still open belong to other tests' clients and aren't counted.
func noLeak(t *testing.T) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		left := leftBehind()
		if left == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("goroutines left behind:\n%s", left)
			return
		}
	}
}

// leftBehind returns the stacks of goroutines within provider clients.
func leftBehind() string {
	buf := make([]byte, 1<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	var left []string
	for _, s := range stacks[1:] { // the first is this one
		if strings.Contains(s, "/internal/outbound.") || strings.Contains(s, "net/http.(*persistConn)") {
			left = append(left, s)
		}
	}
	return strings.Join(left, "\n\n")
}
