package accept

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
)

// Recipients counts the messages of a key to each recipient within an hour.
type Recipients interface {
	// SpendRecipients counts one message to each person, who has one or more ids.
	// waits holds, by index, how long to wait where the hour's messages are used up;
	// those are not counted. giveBack takes back the count of messages, by index,
	// that are not sent after all.
	SpendRecipients(ctx context.Context, key int64, persons [][]string, perHour int) (
		waits []time.Duration, giveBack func(ctx context.Context, at []int) error, err error,
	)
}

// otpPerHour is the number of one-time passwords that a key may send to one
// recipient within an hour unless the key sets another one: a stolen key must
// not pump messages to a number that earns its owner money.
const otpPerHour = 5

// counted are messages of a request that share a limit and count against it.
type counted struct {
	at       []int // indexes of the drafts
	giveBack func(ctx context.Context, at []int) error
}

// countRecipients counts each message against its recipient and refuses those
// above the limit. If the limiter has no room, all are refused.
func (s *Service) countRecipients(ctx context.Context, r *request) {
	if s.Recipients == nil {
		return
	}
	for perHour, at := range r.byLimit() {
		of := make([]people.ID, 0, len(at))
		for _, i := range at {
			if r.ready[i] == nil { // refused with another one
				return
			}
			of = append(of, people.ID{Account: r.who.Account.ID, ID: r.ready[i].To})
		}
		persons := s.persons(ctx, of)
		c := counted{at: at}
		waits, err := whenRoom(ctx, s, r.wait, func() (waits []time.Duration, err error) {
			waits, c.giveBack, err = s.Recipients.SpendRecipients(ctx, r.who.Key.ID, persons, perHour)
			return waits, err
		})
		if err != nil {
			r.refuseAll(overloaded(err))
			return
		}
		r.counted = append(r.counted, c)
		for k, i := range at {
			if waits[k] > 0 {
				r.refuse(i, recipientLimited(waits[k]))
			}
		}
	}
}

// persons returns all ids of each recipient. Without the database recipients are
// counted as they are named.
func (s *Service) persons(ctx context.Context, of []people.ID) [][]string {
	persons, err := s.ids.DoAll(ctx, of)
	if err == nil {
		return persons
	}
	s.Log.Warn("recipients counted by the ids that messages name", "account", of[0].Account, "error", err)
	persons = make([][]string, len(of))
	for i := range of {
		persons[i] = []string{of[i].ID}
	}
	return persons
}

// byLimit groups the drafts that are ready by their limit per recipient.
func (r *request) byLimit() map[int][]int {
	var groups map[int][]int // most keys have no such limit
	for i, p := range r.ready {
		if p == nil || p.simulate {
			continue
		}
		if n := perHour(r.who, p.Lane); n > 0 {
			if groups == nil {
				groups = map[int][]int{}
			}
			groups[n] = append(groups[n], i)
		}
	}
	return groups
}

// perHour returns the limit per recipient of a key in a lane; 0: none.
func perHour(who *Caller, lane dispatch.Lane) int {
	if n := who.Key.PerRecipientHour; n != nil {
		return *n
	}
	if lane == dispatch.OTP {
		return otpPerHour
	}
	return 0
}

func recipientLimited(wait time.Duration) error {
	return &dispatch.Error{
		Code: dispatch.RateLimited, Reason: "recipient", RetryAfter: int((wait + time.Second - 1) / time.Second),
		Msg: "this key has reached its hourly limit of messages to this recipient",
	}
}

// uncountRefused takes back the counts of messages that were not accepted after
// all. If that fails they stay counted.
func (s *Service) uncountRefused(ctx context.Context, r *request) {
	for _, c := range r.counted {
		var back []int
		for k, i := range c.at {
			if r.out[i].Replayed || notAccepted(r.out[i].Err) {
				back = append(back, k)
			}
		}
		if len(back) == 0 {
			continue
		}
		if err := c.giveBack(context.WithoutCancel(ctx), back); err != nil {
			s.Log.Warn("refused messages stay counted against their recipients", "messages", len(back), "error", err)
		}
	}
}

// notAccepted reports whether err means that the message was surely not
// accepted: false when the database gave no answer.
func notAccepted(err error) bool {
	return err != nil && dispatch.CodeOf(err) != dispatch.OutcomeUnknown
}
