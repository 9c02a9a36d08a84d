package accept

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// quotes turns our own ids in what m answers, as a reply or a reaction, into
// those that the provider knows: a client of ours has no others.
func (s *Service) quotes(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message, faults *dispatch.Faults) error {
	c := &m.Content
	if c.Context != nil {
		use := *c.Context // the draft may be shared by several recipients
		c.Context = &use
		if err := s.quote(ctx, ch, m, &use.MessageID, "/context/message_id", faults); err != nil {
			return err
		}
	}
	if c.Reaction == nil {
		return nil
	}
	use := *c.Reaction
	c.Reaction = &use
	return s.quote(ctx, ch, m, &use.MessageID, "/reaction/message_id", faults)
}

// quote does this for one id. What cannot be an id of ours is the provider's
// and stays.
func (s *Service) quote(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message, id *string, field string, faults *dispatch.Faults) error {
	ours, sure := ownID(*id)
	if ours == dispatch.NoID {
		return nil
	}
	q, found, err := s.Store.FindQuoted(ctx, m.Account, ours)
	switch {
	case err != nil:
		return err
	case !found && !sure && ch.Provider != "meta": // others' ids may be UUIDs, too
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

// ownID reads our id, bare or as the Meta dialect gives it. It is sure of the
// latter: Meta's own ids go on otherwise.
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
