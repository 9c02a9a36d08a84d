package accept

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// otpPerHour is how many one-time passwords a key may send to one recipient in
// an hour unless it says otherwise: a stolen key can't pump messages to a
// number that earns its owner money.
const otpPerHour = 5

// spendRecipients counts each message against its recipient; one too many is
// refused.
func (s *Service) spendRecipients(ctx context.Context, who *Caller, ready []*prepared, out []dispatch.Receipt, wait time.Duration) error {
	if s.Recipients == nil {
		return nil
	}
	by := map[int][]int{}
	for i, p := range ready {
		if p == nil || p.simulate {
			continue
		}
		if n := perHour(who, p.Lane); n > 0 {
			by[n] = append(by[n], i)
		}
	}
	for n, at := range by {
		tos := make([]string, len(at))
		for k, i := range at {
			tos[k] = ready[i].To
		}
		waits, err := whenRoom(wait, func() ([]time.Duration, error) { return s.Recipients.SpendRecipients(ctx, who.Key.ID, tos, n) })
		if err != nil {
			return &dispatch.Error{Code: dispatch.Overloaded, Msg: "too many requests are waiting; try again shortly", RetryAfter: 1, Err: err}
		}
		for k, i := range at {
			if waits[k] > 0 {
				ready[i] = nil
				out[i].Err = &dispatch.Error{Code: dispatch.RateLimited, Reason: "recipient", Msg: "this key's messages to this recipient are used up for the hour", RetryAfter: int((waits[k] + time.Second - 1) / time.Second)}
			}
		}
	}
	return nil
}

func perHour(who *Caller, lane dispatch.Lane) int {
	if n := who.Key.PerRecipientHour; n != nil {
		return *n
	}
	if lane == dispatch.OTP {
		return otpPerHour
	}
	return 0
}
