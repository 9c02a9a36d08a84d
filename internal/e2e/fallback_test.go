package e2e

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sendoff/sendoff/internal/wait"
)

// testFallback: a message that fails, or is not delivered in time, is followed
// by the next entry; one that is delivered is not.
func testFallback(t *testing.T, s *stack) {
	sms := s.channels["twilio sms"].ID
	send := func(to, sub, after string) message {
		return s.send(t, order(to, fmt.Sprintf(`"fallback":[{"channel":%d,"to":%q,"type":"text","text":{"body":"by SMS"}}]`, sms, sub)+after))
	}
	failed := send("+15557310104", "+15557312001", "")
	silent := send("+15557310107", "+15557312002", `,"fallback_after_seconds":1`)
	delivered := send("+15557312003", "+15557312004", `,"fallback_after_seconds":20`)
	for _, to := range []string{"+15557312001", "+15557312002"} {
		wait.For(t, patience, func() error {
			if n := s.copies(t, to); n != 1 {
				return fmt.Errorf("%d copies of the fallback to %s", n, to)
			}
			return nil
		})
	}
	s.becomes(t, failed.ID, "failed")
	s.becomes(t, delivered.ID, "delivered")
	wait.For(t, patience, func() error {
		if as[struct {
			Child string `json:"fallback_id"`
		}](t, s.call(t, "GET", "/v1/messages/"+silent.ID, "")).Child == "" {
			return errors.New("the parent names no fallback")
		}
		return nil
	})
	if n := s.copies(t, "+15557312004"); n != 0 {
		t.Errorf("%d copies of the fallback of a delivered message", n)
	}
}
