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

// hourly are messages of a page that were counted against their recipients.
type hourly struct {
	at       []int // in the page
	giveBack func(ctx context.Context, at []int) error
}

// spendRecipients counts each message against its recipient; one too many is
// refused.
func (s *Service) spendRecipients(ctx context.Context, who *Caller, ready []*prepared, out []dispatch.Receipt, wait time.Duration) ([]hourly, error) {
	if s.Recipients == nil {
		return nil, nil
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
	var all []hourly
	for n, at := range by {
		tos := make([]string, len(at))
		for k, i := range at {
			tos[k] = ready[i].To
		}
		c := hourly{at: at}
		waits, err := whenRoom(wait, func() (waits []time.Duration, err error) {
			waits, c.giveBack, err = s.Recipients.SpendRecipients(ctx, who.Key.ID, tos, n)
			return waits, err
		})
		if err != nil {
			s.giveBack(ctx, all, func(int) bool { return true })
			return nil, &dispatch.Error{Code: dispatch.Overloaded, Msg: "too many requests are waiting; try again shortly", RetryAfter: 1, Err: err}
		}
		all = append(all, c)
		for k, i := range at {
			if waits[k] > 0 {
				ready[i] = nil
				out[i].Err = &dispatch.Error{Code: dispatch.RateLimited, Reason: "recipient", Msg: "this key's messages to this recipient are used up for the hour", RetryAfter: int((waits[k] + time.Second - 1) / time.Second)}
			}
		}
	}
	return all, nil
}

// giveBack takes back the messages of a page that are not accepted after all. A
// failure leaves them counted.
func (s *Service) giveBack(ctx context.Context, all []hourly, refused func(i int) bool) {
	for _, c := range all {
		var back []int
		for k, i := range c.at {
			if refused(i) {
				back = append(back, k)
			}
		}
		if len(back) == 0 {
			continue
		}
		if err := c.giveBack(context.WithoutCancel(ctx), back); err != nil {
			s.Log.Warn("refused messages stay counted for their recipients' hour", "messages", len(back), "error", err)
		}
	}
}

// notAccepted says that nothing was accepted, for sure: not where the database
// gave no answer.
func notAccepted(err error) bool {
	return err != nil && dispatch.CodeOf(err) != dispatch.OutcomeUnknown
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
