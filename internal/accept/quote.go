package accept

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// quoteStore finds the messages that others answer.
type quoteStore interface {
	FindQuoted(ctx context.Context, account int64, id dispatch.ID) (q store.Quoted, found bool, err error)
}

// quotes replaces our own ids in a reply or a reaction by the provider's ids of
// those messages.
func (s *Service) quotes(ctx context.Context, ch *dispatch.Channel, p *prepared, faults *dispatch.Faults) error {
	m := p.Message
	c := &m.Content
	if c.Context != nil {
		use := *c.Context // the draft may be shared by several recipients
		c.Context = &use
		if err := s.quote(ctx, ch, p, &use.MessageID, "/context/message_id", faults); err != nil {
			return err
		}
	}
	if c.Reaction == nil {
		return nil
	}
	use := *c.Reaction
	c.Reaction = &use
	return s.quote(ctx, ch, p, &use.MessageID, "/reaction/message_id", faults)
}

// quote replaces one id. One that cannot be ours is left as it is.
func (s *Service) quote(
	ctx context.Context, ch *dispatch.Channel, p *prepared, id *string, field string, faults *dispatch.Faults,
) error {
	m := p.Message
	ours, sure := ownID(*id)
	if ours == dispatch.NoID {
		return nil
	}
	q, found, err := s.findQuoted(ctx, m, ours, p.began.Add(s.quoteWait))
	switch {
	case err != nil:
		return err
	case !found && !sure && s.Providers[ch.Provider].Spec().UUIDs: // the vendor's ids may be UUIDs, too
	case !found:
		faults.Add(field, "is not the id of a message of this account")
	case q.Channel != ch.ID:
		faults.Add(field, "is a message of another channel")
	case !q.Inbound && q.Test != m.Test:
		faults.Add(field, "must be a message of the same kind of key, test or live")
	case q.ProviderID == "":
		faults.Add(field, "is a message that the provider has not accepted; only one that was sent can be answered")
	default:
		*id = q.ProviderID
	}
	return nil
}

// quoteWait is the longest time for which a request waits until the message that it
// answers has been sent, and quotePoll how often it looks.
const (
	quoteWait = 3 * time.Second
	quotePoll = 25 * time.Millisecond
)

// findQuoted looks for the message that m answers. One that is about to be sent has
// its provider's id in a moment: it is waited for, for as long as m's request may.
func (s *Service) findQuoted(ctx context.Context, m *dispatch.Message, id dispatch.ID, until time.Time) (store.Quoted, bool, error) {
	for {
		q, found, err := s.Store.FindQuoted(ctx, m.Account, id)
		if err != nil || !found || !q.Waiting || q.ProviderID != "" || time.Now().After(until) {
			return q, found, err
		}
		select {
		case <-ctx.Done():
			return q, found, ctx.Err()
		case <-s.quit.Done():
			return q, found, nil
		case <-time.After(quotePoll):
		}
	}
}

// ownID parses our id, bare or with the prefix "wamid." that one dialect adds.
// sure reports that it has the prefix: a vendor's own ids with that prefix are
// never a UUID.
func ownID(id string) (ours dispatch.ID, sure bool) {
	id, sure = strings.CutPrefix(id, "wamid.")
	if len(id) != len("01890a5d-ac96-774b-bcce-b302099a8057") { // uuid takes other forms, too
		return dispatch.NoID, false
	}
	ours, err := uuid.Parse(id)
	if err != nil {
		return dispatch.NoID, false
	}
	return ours, sure
}
