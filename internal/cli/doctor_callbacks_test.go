package cli

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/callback"
)

// What does not arrive is described as it is: callbacks of which none is a receipt are
// another fault than none at all.
func TestCallbackState_Detail(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for want, s := range map[string]callbackState{
		"Meta: 12 sent in the last hour, no callback in the last two days": {Arrivals: callback.Arrivals{Name: "Meta"}, sent: 12},
		"Meta: 12 sent in the last hour, no callback since 2026-01-02 03:04:05, 3 rejected: signature": {
			Arrivals: callback.Arrivals{Name: "Meta", Last: &last, Rejected: 3, Reasons: "signature"}, sent: 12,
		},
		"Meta: 12 sent in the last hour, 5 callbacks taken, none of them a receipt": {
			Arrivals: callback.Arrivals{Name: "Meta", Last: &last, Taken: 5}, sent: 12,
		},
	} {
		if got := s.detail(); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
	for want, s := range map[string]callbackState{
		"enter the callback address that sendoff channel show 7 prints at the provider, and look in serve's log for: callback rejected": {},
		"subscribe the callback address of channel 7 to message statuses at the provider (those of messages that others send match none); " +
			"GET /v1/callbacks/ignored lists what could not be read": {Arrivals: callback.Arrivals{Taken: 5}},
		"enter the secret with which the provider signs (sendoff channel update 7 --secret NAME), and as SENDOFF_PUBLIC_URL the address " +
			"that it calls": {Arrivals: callback.Arrivals{Rejected: 2, Reasons: "json, signature"}},
	} {
		s.Channel = 7
		if got := s.fix(); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}
