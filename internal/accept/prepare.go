package accept

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/segment"
	"github.com/sendoff/sendoff/internal/store"
)

// prepareAll checks each draft. An all-or-none request ends with the first one
// that is refused.
func (s *Service) prepareAll(ctx context.Context, r *request, drafts []dispatch.Draft) {
	now, room := time.Now(), r.alone.place[:]
	if len(drafts) == 1 {
		r.ready, r.out = r.alone.ready[:], r.alone.out[:]
	} else {
		r.ready, r.out, room = make([]*prepared, len(drafts)), make([]dispatch.Receipt, len(drafts)), make([]place, len(drafts))
	}
	for i := range drafts {
		p, err := s.prepare(ctx, r.who, &drafts[i], now, &room[i])
		switch {
		case err == nil:
			r.ready[i] = p
		case r.together:
			r.refuseAll(s.withOthers(ctx, r.who, drafts[i+1:], now, err))
			return
		default:
			r.refuse(i, err)
		}
	}
}

// maxFaults is the number of faults after which no more of the others' are looked for.
const maxFaults = 100

// withOthers returns the refusal err of an all-or-none request with the faults of the
// drafts after that which it refuses.
func (s *Service) withOthers(ctx context.Context, who *Caller, others []dispatch.Draft, now time.Time, err error) error {
	if !refused(err) {
		return err
	}
	first := dispatch.AsError(err)
	all := *first
	all.Faults = faultsOf(err, "/channel")
	for i := range others {
		if len(all.Faults) >= maxFaults {
			break
		}
		_, err := s.prepare(ctx, who, &others[i], now, &place{})
		if !refused(err) {
			continue
		}
		for _, f := range dispatch.AsError(err).Faults {
			if !slices.ContainsFunc(all.Faults, func(have dispatch.Fault) bool { return have.Field == f.Field && have.Msg == f.Msg }) {
				all.Faults = append(all.Faults, f)
			}
		}
	}
	return &all
}

// place is where a draft becomes a message. Those of a request are allocated
// together.
type place struct {
	prepared prepared
	message  dispatch.Message
}

// prepare checks a draft and its fallback. Nothing is written, so that the request may be
// repeated when the database does not tell what the checks want to know.
func (s *Service) prepare(ctx context.Context, who *Caller, d *dispatch.Draft, now time.Time, in *place) (*prepared, error) {
	p, err := s.checkBoth(ctx, who, d, now, in)
	if err != nil && dispatch.CodeOf(err) == dispatch.Internal {
		s.Log.Warn("message not checked", "error", err)
		err = unavailable(err)
	}
	return p, err
}

// checkBoth checks a draft and its fallback.
func (s *Service) checkBoth(ctx context.Context, who *Caller, d *dispatch.Draft, now time.Time, in *place) (*prepared, error) {
	p, err := s.check(ctx, who, d, now, in)
	if len(d.Fallback) == 0 {
		return p, err
	}
	fallback, fallbackErr := s.fallback(ctx, who, d, now)
	if err != nil {
		return nil, alsoAt(err, dispatch.AsError(fallbackErr).Faults)
	}
	p.FallbackAfter, p.Fallback = d.FallbackAfter, fallback
	return p, fallbackErr
}

// check checks a draft, without its fallback, against everything that does not
// need the accept transaction: channel, number, content, template, times.
func (s *Service) check(ctx context.Context, who *Caller, d *dispatch.Draft, now time.Time, in *place) (*prepared, error) {
	if d.AccountSID != "" && d.AccountSID != who.Account.SID {
		return nil, &dispatch.Error{Code: dispatch.Unauthorized, Reason: "sid", Msg: "the key does not belong to this account"}
	}
	faults := slices.Clone(d.Faults)
	ch, refusal := s.channel(ctx, who, d)
	if refusal != nil && !refused(refusal) {
		return nil, refusal
	}
	setMessage(&in.message, who, ch, d)
	if s.Tracer != nil {
		s.Tracer.Begin(ctx, &in.message)
	}
	p := &in.prepared
	*p = prepared{NewMessage: store.NewMessage{Message: &in.message}, simulate: d.Simulate, began: now}
	var err error
	if p.To, err = s.recipient(ctx, who, ch, d.To); err != nil {
		faults = append(faults, faultsOf(err, "/to")...)
	} else if err := who.mayReach(p.To); err != nil {
		return nil, err
	}
	category := ""
	if refusal != nil {
		faults = append(faults, anywhere(&p.Content, d.Kind)...)
	} else if category, refusal = s.content(ctx, who, ch, d, p.Message, p, &faults); refusal != nil && !refused(refusal) {
		return nil, refusal
	}
	p.Lane = laneOf(d, category, &faults)
	times(d, p, now, &faults)
	extras(d, &faults)
	if err := s.user(ctx, who, d, &faults); err != nil {
		return nil, err
	}
	if err := s.contact(ctx, who, d, p.Message, &faults); err != nil {
		return nil, err
	}
	if err := allFaults(d, refusal, faults); err != nil {
		return nil, err
	}
	if err := s.finish(who, ch, category, p); err != nil {
		return nil, err
	}
	return p, s.optedOut(ctx, p)
}

// optedOut returns the refusal of a message to an erased person who had opted
// out: no suppression names them any more.
func (s *Service) optedOut(ctx context.Context, p *prepared) error {
	erased, err := s.Registry.ErasedOptOuts(ctx, p.Account)
	if err != nil || !erased.HoldBack(p.To, p.Marketing) {
		return err
	}
	return dispatch.OptedOut()
}

// recipient returns the number to, the wa_id to if a provider has named somebody
// by it (some, as +521..., are no numbers), or the user id to.
//
// ch is nil if it is not known.
func (s *Service) recipient(ctx context.Context, who *Caller, ch *dispatch.Channel, to string) (string, error) {
	if to == "" {
		return "", dispatch.InvalidField("/to", "is required")
	}
	id, err := person.Recipient(to, who.Region(), func(id string) (bool, error) {
		if person.IsUserID(id) {
			return true, nil
		}
		return s.Store.KnownID(ctx, who.Account.ID, id)
	})
	if err == nil && ch != nil && person.IsUserID(id) {
		return s.reach(ctx, who, ch, id)
	}
	return id, err
}

// reach returns how the channel reaches the person with the user id: by it, or
// by the only number that is linked with it.
func (s *Service) reach(ctx context.Context, who *Caller, ch *dispatch.Channel, userID string) (string, error) {
	if p := s.Providers[ch.Provider]; ch.WhatsApp() && p != nil && p.Spec().UserIDs {
		return userID, nil
	}
	numbers, err := s.Store.NumbersOf(ctx, who.Account.ID, userID)
	if err != nil || len(numbers) == 1 {
		return strings.Join(numbers, ""), err
	}
	return "", dispatch.InvalidField("/to", "this channel sends to phone numbers only, and the number of this user id is not known")
}

// setMessage sets m to the message of a draft, with the fields that need no check.
func setMessage(m *dispatch.Message, who *Caller, ch *dispatch.Channel, d *dispatch.Draft) {
	key, user := who.sentBy(d.UserID)
	var channel int64
	if ch != nil {
		channel = ch.ID
	}
	*m = dispatch.Message{
		ID: dispatch.NewID(), Account: who.Account.ID, Channel: channel, Key: key, Test: who.Key.Test, Content: d.Content,
		Reference: d.Reference, Metadata: string(d.Metadata), User: user, Contact: d.Contact,
		StatusCallback: d.StatusCallback, Parent: d.Parent,
	}
	if d.IdemKey != "" {
		m.IdemKey, m.IdemIndex, m.IdemFingerprint = storedKey(who, d.IdemKey), d.IdemIndex, fingerprintOf(d)
	}
}

// finish encodes the content and prices the message.
func (s *Service) finish(who *Caller, ch *dispatch.Channel, category string, p *prepared) error {
	var err error
	if p.Raw, err = stored(&p.Content); err != nil {
		return dispatch.InvalidField("/"+string(p.Content.Type), "cannot be encoded: %v", err)
	}
	p.Segments = 0
	if ch.Kind == "sms" && p.Content.Type == dispatch.TypeText {
		p.Segments, _ = segment.Count(p.Content.Text.Body)
	}
	p.Price = price(ch, category) * int64(max(p.Segments, 1))
	p.Charge = who.Account.Credits && !p.Test
	p.Marketing = category == "marketing"
	p.NeedsWindow = hasWindow(ch) && p.Content.Type != dispatch.TypeTemplate
	return nil
}

// price returns the channel's price of a template category, in millionths of a
// credit.
func price(ch *dispatch.Channel, category string) int64 {
	if v, ok := ch.Policy.Price[category]; ok {
		return v
	}
	return ch.Policy.Price[""]
}

// channel returns the draft's channel, checked against the provider and kind
// that its dialect prescribes. The default channel is none for a draft whose
// reader has found a fault in the channel's name.
func (s *Service) channel(ctx context.Context, who *Caller, d *dispatch.Draft) (*dispatch.Channel, error) {
	for _, f := range d.Faults {
		if f.Field == "/channel" {
			return nil, &dispatch.Error{Code: dispatch.Invalid, Msg: f.Msg, Faults: []dispatch.Fault{f}}
		}
	}
	ch, err := s.Registry.FindChannel(ctx, who.Account.ID, d.Channel, d.ChannelBy, d.Kind)
	if err != nil {
		return nil, err
	}
	if (d.Provider != "" && ch.Provider != d.Provider) || (d.Kind != "" && ch.Kind != d.Kind) {
		return nil, &dispatch.Error{
			Code: dispatch.ChannelNotFound, Reason: "kind", Msg: "the channel is not of this provider or kind",
			Faults: []dispatch.Fault{{Field: "/channel", Msg: "the channel is not of this provider or kind"}},
		}
	}
	if !ch.Enabled {
		return nil, dispatch.InvalidField("/channel", "the channel is disabled")
	}
	return ch, nil
}

// faultsOf returns err's faults, or err itself as one fault of field.
func faultsOf(err error, field string) dispatch.Faults {
	e := dispatch.AsError(err)
	if len(e.Faults) > 0 {
		for i := range e.Faults {
			if e.Faults[i].Field == "" {
				e.Faults[i].Field = field
			}
		}
		return e.Faults
	}
	return dispatch.Faults{{Field: field, Msg: e.Msg}}
}
