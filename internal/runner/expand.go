package runner

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/zone"
)

const (
	// expandPage is how many messages one step makes, refillPage for how many it waits on a full channel.
	expandPage, refillPage = 1000, 500
	// windowLeast and windowMost bound how many messages of a campaign are
	// unfinished at a time: all that a pause has to hold.
	windowLeast = 20
	windowMost  = 5000
	// windowSeconds is how many seconds of its rate a campaign has in the queue.
	windowSeconds = 5
	// again is when a campaign that waits for its rate is looked at again, and the soonest
	// for one that waits for room, which is looked at after refill at the latest.
	again  = 100 * time.Millisecond
	refill = time.Second
)

// run makes the messages whose turn it is.
func (s *step) run(ctx context.Context) (*time.Time, error) {
	err := s.compile(ctx)
	if reason, ok := refused(err); ok {
		return s.pause(ctx, reason)
	}
	if err != nil {
		return nil, err
	}
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	if reason, err := s.care(ctx); err != nil || reason != "" {
		if err != nil {
			return nil, err
		}
		return s.pause(ctx, reason)
	}
	room := s.room()
	n := min(room, s.allowed(), s.canary(), expandPage)
	var made int
	if n > 0 {
		made, err = s.expand(ctx, n)
		if reason, ok := refused(err); ok {
			return s.pause(ctx, reason)
		}
		if err != nil {
			return nil, err
		}
	}
	// After the messages: balances are locked before counters, as by callbacks.
	if !s.c.Filled {
		if err := s.fill(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := s.sweep(ctx, false); err != nil {
		return nil, err
	}
	if err := s.count(ctx); err != nil {
		return nil, err
	}
	if s.c.Filled && s.counts.Unfinished() == 0 {
		return s.finish(ctx)
	}
	if err := s.progress(ctx); err != nil {
		return nil, err
	}
	return s.next(ctx, n, made, room)
}

// next returns when to look at a running campaign again, and notes what limits it.
func (s *step) next(ctx context.Context, n, made, room int) (*time.Time, error) {
	if !s.c.Filled || (n > 0 && made == expandPage) {
		return &s.now, nil
	}
	turn, err := s.tx.NextTurn(ctx, s.c)
	if err != nil {
		return nil, err
	}
	if turn == nil {
		if missed, err := s.tx.Missed(ctx, s.c); err != nil || missed {
			return s.in(time.Second), err
		}
	}
	wait := again
	switch {
	case s.free != nil:
		s.c.LimitedBy = "budget"
		wait = min(max(s.free.Sub(s.now), again), 5*time.Second)
	case turn == nil: // all messages are made
		s.c.LimitedBy = "channel"
		wait = 2 * again
	case turn.After(s.now):
		s.c.LimitedBy = "quiet_hours"
		if wait = turn.Sub(s.now); s.counts.By[campaign.Queued] > 0 {
			wait = min(wait, time.Second)
		}
		wait = min(wait, 5*time.Second)
	case s.canary() == 0:
		s.c.LimitedBy = "canary"
	case n == room || room <= 0:
		s.c.LimitedBy = "channel"
		wait = refillIn(s.window(), room-made, s.rate())
	case s.plan.Definition.Rate > 0:
		s.c.LimitedBy = "rate"
	default:
		s.c.LimitedBy = "nothing"
	}
	return s.in(wait), nil
}

// rate returns how many messages a second the campaign sends at most.
func (s *step) rate() float64 {
	rate := s.plan.Channel.Policy.Rate
	if own := s.plan.Definition.Rate; own > 0 {
		rate = min(rate, own)
	}
	return rate
}

// window returns how many messages may be unfinished.
func (s *step) window() int {
	return min(max(int(s.rate()*windowSeconds), windowLeast), windowMost)
}

// room returns how many more messages may be unfinished.
func (s *step) room() int { return s.window() - int(s.counts.By[campaign.Queued]) }

// refillIn returns when a campaign whose window has so little room is looked at again:
// when there is room for a page worth its fixed cost, a fifth of the window. The rest of
// the window keeps the channel busy meanwhile. Messages may be unfinished for long
// because of their outcome, so it is not longer than refill.
func refillIn(window, room int, rate float64) time.Duration {
	if rate <= 0 {
		return refill
	}
	lacking := min(window/windowSeconds, refillPage) - room
	return min(max(time.Duration(float64(lacking)/rate*float64(time.Second)), again), refill)
}

// allowed returns how many messages the campaign's own rate allows by now: a
// bucket that holds what a second brings, at least one.
func (s *step) allowed() int {
	rate := s.plan.Definition.Rate
	if rate == 0 {
		return math.MaxInt32
	}
	if s.c.TokensAt == nil {
		s.c.Tokens = 1
	} else {
		s.c.Tokens = min(s.c.Tokens+rate*s.now.Sub(*s.c.TokensAt).Seconds(), max(rate/4, 1))
	}
	s.c.TokensAt = &s.now
	return int(s.c.Tokens)
}

// canary returns how many more of the first messages may be made.
func (s *step) canary() int {
	c := s.plan.Definition.Canary
	if c == nil || s.c.CanaryOver {
		return math.MaxInt32
	}
	return max(c.First-int(s.made()), 0)
}

// made returns how many messages the campaign has.
func (s *step) made() int64 { return s.counts.By[campaign.Queued] + s.counts.Done() }

// expand makes messages for at most n recipients whose turn it is and returns how
// many rows it has moved.
func (s *step) expand(ctx context.Context, n int) (int, error) {
	rows, err := s.tx.Turn(ctx, s.c, n)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	charges, err := s.Charges(ctx, s.c.Account)
	if err != nil {
		return 0, err
	}
	page := make([]store.NewMessage, len(rows)) // without a message: none is made
	room := make([]dispatch.Message, len(rows))
	for i := range rows {
		if m, ok := s.message(&rows[i], &room[i], charges); ok {
			if s.Tracer != nil {
				s.Tracer.Begin(ctx, m.Message)
			}
			page[i] = m
		}
	}
	if err := s.budget(ctx, rows, page); err != nil {
		return 0, err
	}
	poor, err := s.insert(ctx, rows, page)
	if err != nil {
		return 0, err
	}
	kept, left := rows, func(r campaigns.Recipient) bool { return r.Campaign == 0 }
	if slices.ContainsFunc(rows, left) {
		kept = slices.DeleteFunc(slices.Clone(rows), left)
	}
	if err := s.tx.Move(ctx, s.c.ID, kept); err != nil {
		return 0, err
	}
	s.c.Had(rows)
	if poor != nil {
		_, err := s.pause(ctx, string(dispatch.CodeOf(poor))+": "+dispatch.AsError(poor).Msg)
		return len(rows), err
	}
	return len(kept), nil
}

// budget takes out of page whom the messaging limit of the channel has no room
// for: their rows stay as they were.
func (s *step) budget(ctx context.Context, rows []campaigns.Recipient, page []store.NewMessage) error {
	policy := &s.plan.Channel.Policy
	if policy.MessagingLimit <= 0 || s.c.Test {
		return nil
	}
	recipients := make([]string, 0, len(page))
	for i := range rows { // in their order
		if page[i].Message != nil {
			recipients = append(recipients, rows[i].To)
		}
	}
	if len(recipients) == 0 {
		return nil
	}
	fit, free, err := s.tx.Reserve(ctx, s.plan.Channel, campaign.BudgetOf(policy).Usable(), recipients)
	if err != nil {
		return err
	}
	s.free = free
	for i := range page {
		if page[i].Message != nil && !fit[rows[i].To] {
			page[i].Message, rows[i].Campaign = nil, 0
		}
	}
	return nil
}

// insert stores the messages of page and sets what becomes of their rows. poor is
// the refusal of messages that is not their recipients'.
func (s *step) insert(ctx context.Context, rows []campaigns.Recipient, page []store.NewMessage) (poor, err error) {
	at, messages := make([]int, 0, len(page)), make([]store.NewMessage, 0, len(page))
	for i := range page {
		if page[i].Message != nil {
			at, messages = append(at, i), append(messages, page[i])
		}
	}
	if len(at) == 0 {
		return nil, nil
	}
	receipts, err := s.tx.Insert(ctx, messages)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		switch err := receipts[k].Err; {
		case err == nil:
			rows[i].Status, rows[i].Message = campaign.Queued, new(receipts[k].ID.String())
			s.c.Tokens--
		case !skipFor(&rows[i], err):
			poor = err
			rows[i].Campaign = 0 // stays as it was
		}
	}
	return poor, nil
}

// skipFor skips a row for the refusal of its message; false: the refusal is not
// the recipient's.
func skipFor(r *campaigns.Recipient, err error) bool {
	reason := campaign.Suppressed
	switch dispatch.CodeOf(err) {
	case dispatch.Suppressed:
	case dispatch.OutsideWindow:
		reason = campaign.OutsideWindow
	default:
		return false
	}
	r.Status, r.Reason, r.Detail = campaign.Skipped, reason, dispatch.AsError(err).Msg
	return true
}

// message returns the message of a row whose time it is, made in m; of others it sets what
// becomes of them.
func (s *step) message(r *campaigns.Recipient, m *dispatch.Message, charges bool) (store.NewMessage, bool) {
	zones := zone.Set(r.Zones)
	due, gone := s.plan.Timing.Due(zones, *s.c.LaunchedAt)
	switch move, until := s.plan.Timing.Decide(s.now, due, gone, zones); move {
	case campaign.Hold:
		r.Status, r.WakeAt = campaign.Held, until
		return store.NewMessage{}, false
	case campaign.Skip:
		r.Status, r.Reason, r.Detail = campaign.Skipped, campaign.TooLate, "the recipient's window had closed"
		return store.NewMessage{}, false
	case campaign.Expire:
		r.Status, r.Detail = campaign.Expired, "not sent before ttl_seconds were over"
		return store.NewMessage{}, false
	case campaign.Send:
	}
	out, problem, err := s.plan.Renderer.RenderText(r.Fields)
	if err != nil {
		r.Status, r.Reason, r.Detail = campaign.Skipped, campaign.InvalidContent, "the recipient's fields cannot be read"
		return store.NewMessage{}, false
	}
	if problem != nil {
		r.Status, r.Reason, r.Field, r.Detail = campaign.Skipped, problem.Reason, problem.Field, problem.Detail
		return store.NewMessage{}, false
	}
	*m = dispatch.Message{
		ID: ledger.NewID(r.Seq), Account: s.c.Account, Channel: s.plan.Channel.ID, Key: s.c.Key, Test: s.c.Test, Lane: dispatch.Bulk, To: r.To,
		Raw: out.Raw, Campaign: s.c.ID, Segments: out.Segments, Price: s.plan.Price(out.Segments), ExpiresAt: s.plan.Timing.Expires(due),
	}
	m.Content.Type = s.plan.Definition.Type
	return store.NewMessage{
		Message: m, TTL: dispatch.Bulk.TTL(), Charge: charges && !s.c.Test, Marketing: s.plan.Marketing,
		NeedsWindow: s.plan.Channel.WhatsApp() && s.plan.Channel.Window != "provider" && m.Content.Type != dispatch.TypeTemplate,
	}, true
}
