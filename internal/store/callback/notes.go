package callback

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlNotes adds each note to its message once, however often the provider repeats
// it.
var sqlNotes = pg.Domain.SQL(`
INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, detail)
SELECT DISTINCT m.id, m.account_id, m.channel_id, {event_note}::smallint, m.version, 'callback', t.detail
FROM unnest($2::uuid[], $3::text[]) AS t(id, detail) JOIN messages m ON m.id = t.id AND m.channel_id = $1
WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.message_id = m.id AND e.kind = {event_note} AND e.detail = t.detail)`)

// KeepNotes adds events that change no status to messages of the channel. Notes
// of unknown messages are dropped.
func (s *Store) KeepNotes(ctx context.Context, channel int64, notes []dispatch.StatusUpdate) error {
	if len(notes) == 0 {
		return nil
	}
	var refs []string
	for _, n := range notes {
		refs = append(refs, n.ProviderID, n.ProviderRef2)
	}
	known, err := s.Messages(ctx, channel, refs)
	if err != nil {
		return err
	}
	var ids []dispatch.ID
	var details []string
	for _, n := range notes {
		id := n.ID
		for _, ref := range []string{n.ProviderID, n.ProviderRef2} {
			if found, ok := known[pg.FitRef(storable.Clean(ref))]; ok && id == dispatch.NoID {
				id = found
			}
		}
		if id != dispatch.NoID {
			ids, details = append(ids, id), append(details, storable.Clean(n.Detail))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = s.db.ExecContext(ctx, sqlNotes, channel, pg.UUIDArray(ids), pq.Array(details))
	return pg.Wrap("keep notes of callbacks", err)
}
