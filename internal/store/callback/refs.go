package callback

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlMessages finds messages of a channel by the provider's ids: those that were
// kept, and the accepted calls whose ids have an index (Meta's and Twilio's).
var sqlMessages = `
SELECT p.ref, p.message_id FROM provider_refs p WHERE p.channel_id = $1 AND p.ref = ANY($2::text[])` +
	ofAttempts(`left(a.provider_message_id, 2) IN ('SM', 'MM')`) + ofAttempts(`left(a.provider_message_id, 6) = 'wamid.'`)

func ofAttempts(indexed string) string {
	return `
UNION SELECT t.ref, a.message_id FROM unnest($2::text[]) AS t(ref)
JOIN attempts a ON a.provider_message_id = t.ref AND ` + indexed + `
JOIN messages m ON m.id = a.message_id AND m.channel_id = $1`
}

// Messages returns our ids of the channel's messages that have the provider's
// ids; unknown ones are left out.
func (s *Store) Messages(ctx context.Context, channel int64, refs []string) (map[string]dispatch.ID, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var rows []struct {
		Ref string      `db:"ref"`
		ID  dispatch.ID `db:"message_id"`
	}
	for i, ref := range refs {
		refs[i] = pg.FitRef(storable.Clean(ref))
	}
	if err := s.db.SelectContext(ctx, &rows, sqlMessages, channel, pq.Array(refs)); err != nil {
		return nil, pg.Wrap("find messages that are answered", err)
	}
	known := make(map[string]dispatch.ID, len(rows))
	for _, r := range rows {
		known[r.Ref] = r.ID
	}
	return known, nil
}
