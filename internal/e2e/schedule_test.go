package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

// in is a send_at that many seconds ahead.
func in(d time.Duration) (time.Time, string) {
	at := time.Now().Add(d).UTC()
	return at, fmt.Sprintf(`"send_at":%q`, at.Format(time.RFC3339Nano))
}

func testSendAt(t *testing.T, s *stack) {
	for try := 1; ; try++ {
		to := fmt.Sprintf("+1555501%04d", 2000+try)
		at, field := in(5 * time.Second)
		m := s.send(t, order(to, field))
		if m.Status != "scheduled" {
			t.Fatalf("status %s, want scheduled", m.Status)
		}
		s.becomes(t, m.ID, "delivered")
		rs := s.requests(t, to)
		if len(rs) != 1 {
			t.Fatalf("the provider received %d requests", len(rs))
		}
		late := rs[0].At.Sub(at)
		t.Logf("arrived %v after send_at", late.Round(time.Millisecond))
		if late < 0 {
			t.Fatalf("arrived %v before send_at", -late)
		}
		if late < time.Second {
			return
		}
		if try == 3 { // a machine that does much else may be late once
			t.Fatalf("arrived %v after send_at, three times", late)
		}
	}
}

// A cancelled message never arrives; one that was due after it has, so it would
// have, too.
func testSendAtCancelled(t *testing.T, s *stack) {
	to, control := "+15555021000", "+15555021001"
	_, field := in(3 * time.Second)
	m := s.send(t, order(to, field))
	_, field = in(4 * time.Second)
	after := s.send(t, order(control, field))
	a := s.call(t, http.MethodPost, "/v1/messages/"+m.ID+"/cancel", "").want(t, http.StatusOK)
	if got := as[message](t, a); got.Status != "cancelled" {
		t.Errorf("status %s, want cancelled", got.Status)
	}
	s.becomes(t, after.ID, "delivered")
	if n := len(s.requests(t, to)); n != 0 {
		t.Errorf("%d requests of a cancelled message", n)
	}
	if got := s.message(t, m.ID); got.Status != "cancelled" || got.MaybeSent {
		t.Errorf("status %s, maybe_sent %v", got.Status, got.MaybeSent)
	}
}

func testCancelRefused(t *testing.T, s *stack) {
	m := s.send(t, order("+15555031000"))
	s.becomes(t, m.ID, "delivered")
	a := s.call(t, http.MethodPost, "/v1/messages/"+m.ID+"/cancel", "").want(t, http.StatusConflict)
	if p := as[problem](t, a); p.Code != "conflict" || !strings.Contains(string(p.More), "delivered") {
		t.Errorf("refused with %s", a.body)
	}
}

func testPatch(t *testing.T, s *stack) {
	old, now := "+15555041000", "+15555041001"
	_, field := in(4 * time.Minute) // in dispatch already
	m := s.send(t, order(old, field))
	_, field = in(time.Second)
	a := s.call(t, http.MethodPatch, "/v1/messages/"+m.ID, fmt.Sprintf(`{"to":%q,%s}`, now, field)).want(t, http.StatusOK)
	if got := as[message](t, a); got.To != now {
		t.Errorf("to %s, want %s", got.To, now)
	}
	s.becomes(t, m.ID, "delivered")
	if n, gone := s.copies(t, now), s.copies(t, old); n != 1 || gone != 0 {
		t.Errorf("%d copies to the new number, %d to the old", n, gone)
	}
	s.call(t, http.MethodPatch, "/v1/messages/"+m.ID, fmt.Sprintf(`{"to":%q}`, old)).want(t, http.StatusConflict)
}

func testPatchFarFuture(t *testing.T, s *stack) {
	to := "+15555051000"
	_, field := in(48 * time.Hour) // in scheduled
	m := s.send(t, order(to, field))
	body := `{"type":"template","template":{"name":"hello_world","language":"en"}}`
	a := s.call(t, http.MethodPatch, "/v1/messages/"+m.ID, body).want(t, http.StatusOK)
	if got := as[message](t, a); got.Status != "scheduled" || !strings.Contains(string(got.Content), "hello_world") {
		t.Errorf("changed to %s", a.body)
	}
	_, field = in(500 * time.Millisecond)
	s.call(t, http.MethodPatch, "/v1/messages/"+m.ID, "{"+field+"}").want(t, http.StatusOK)
	s.becomes(t, m.ID, "delivered")
	if rs := s.requests(t, to); len(rs) != 1 || !strings.Contains(rs[0].Body, "hello_world") {
		t.Errorf("the provider received %+v", rs)
	}
}

// A paused channel sends nothing, and what waits for it ends when its time is
// over.
func TestExpiry_OnPausedChannel(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	ch := s.channels["twilio sms"]
	must(t, s.store.PauseChannel(t.Context(), ch.ID, "by the test"))
	wait.For(t, patience, func() error { // until the worker knows
		hs, err := s.store.OpenCircuits(t.Context())
		if err == nil && len(hs) != 1 {
			err = fmt.Errorf("%d channels in trouble", len(hs))
		}
		return err
	})
	knows(t)
	to := "+15555061000"
	body := s.body("twilio sms", to)
	m := s.send(t, body[:len(body)-1]+`,"ttl_seconds":1}`)
	got := s.becomes(t, m.ID, "expired")
	if got.MaybeSent || got.FailedAt == nil || got.Error == nil || got.Error.Code != "expired" {
		t.Errorf("expired as %+v (%+v)", got, got.Error)
	}
	if n := len(s.requests(t, to)); n != 0 {
		t.Errorf("%d requests of a message that expired", n)
	}
}

// knows waits the second after which every process acts on a change.
func knows(t *testing.T) {
	t.Helper()
	changed := time.Now()
	wait.For(t, 2*time.Second, func() error {
		if time.Since(changed) < time.Second {
			return fmt.Errorf("the change is %v old", time.Since(changed))
		}
		return nil
	})
}
