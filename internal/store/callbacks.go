package store

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// FindMessage returns our id for one piece of evidence, or NoID.
func (s *Store) FindMessage(ctx context.Context, u dispatch.StatusUpdate) (dispatch.ID, error) {
	us := []dispatch.StatusUpdate{u}
	err := s.findMessages(ctx, us)
	return us[0].ID, err
}

// sqlFindRefs finds messages by the provider's ids. What the emulator reports
// concerns messages of test keys alone.
const sqlFindRefs = `
SELECT t.i, p.message_id FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::boolean[]) AS t(i, channel_id, ref, test)
JOIN provider_refs p ON p.channel_id = t.channel_id AND p.ref = t.ref
WHERE NOT t.test OR EXISTS (SELECT 1 FROM messages m WHERE m.id = p.message_id AND m.test)`

// sqlFindAttempts finds the calls that a provider accepted which echoes our id
// but left it out: Twilio's and Meta's ids, the ones that have an index.
var sqlFindAttempts = findAttempts(`left(a.provider_message_id, 2) IN ('SM', 'MM')`) + ` UNION ` +
	findAttempts(`left(a.provider_message_id, 6) = 'wamid.'`)

func findAttempts(indexed string) string {
	return `
SELECT t.i, a.message_id FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::boolean[]) AS t(i, channel_id, ref, test)
JOIN attempts a ON a.provider_message_id = t.ref AND ` + indexed + `
JOIN messages m ON m.id = a.message_id AND m.channel_id = t.channel_id AND (m.test OR NOT t.test)`
}

// foundMessage is the message of the piece of evidence at place I.
type foundMessage struct {
	I  int         `db:"i"`
	ID dispatch.ID `db:"message_id"`
}

// findMessages fills in our id where a piece of evidence names only the
// provider's.
func (s *Store) findMessages(ctx context.Context, us []dispatch.StatusUpdate) error {
	echoed, all := make([]bool, len(us)), true
	for i := range us {
		echoed[i] = us[i].ID != dispatch.NoID
		all = all && echoed[i]
	}
	if all {
		return nil
	}
	for _, query := range []string{sqlFindRefs, sqlFindAttempts} {
		if err := s.findByRefs(ctx, us, query); err != nil {
			return err
		}
	}
	if err := s.findDoubted(ctx, us); err != nil {
		return err
	}
	return s.keepFound(ctx, us, echoed)
}

// keepFound keeps every name that a provider uses for a message whose later
// callbacks may carry just one of them.
func (s *Store) keepFound(ctx context.Context, us []dispatch.StatusUpdate, echoed []bool) error {
	var channels []int64
	var refs, ids []string
	for i, u := range us {
		if echoed[i] || u.ID == dispatch.NoID {
			continue
		}
		for _, ref := range []string{u.ProviderID, u.ProviderRef2} {
			if ref != "" {
				channels, refs, ids = append(channels, u.Channel), append(refs, ref), append(ids, u.ID.String())
			}
		}
	}
	return s.insertRefs(ctx, channels, refs, ids)
}

// findByRefs fills in our ids by query, which is sqlFindRefs or sqlFindAttempts.
func (s *Store) findByRefs(ctx context.Context, us []dispatch.StatusUpdate, query string) error {
	var is, channels []int64
	var refs []string
	var test []bool
	for i, u := range us {
		if u.ID != dispatch.NoID {
			continue
		}
		for _, ref := range []string{u.ProviderID, u.ProviderRef2} {
			if ref != "" {
				is, channels, refs, test = append(is, int64(i)), append(channels, u.Channel), append(refs, ref), append(test, u.Test)
			}
		}
	}
	if len(is) == 0 {
		return nil
	}
	var found []foundMessage
	err := s.db.SelectContext(ctx, &found, query, pq.Array(is), pq.Array(channels), pq.Array(refs), pq.Array(test))
	if err != nil {
		return pg.Wrap("find messages of callbacks", err)
	}
	for _, f := range found {
		us[f.I].ID = f.ID
	}
	return nil
}

// keepRefs stores the provider's ids where callbacks will name nothing else.
func (s *Store) keepRefs(ctx context.Context, outs []Outcome) error {
	var channels []int64
	var refs, ids []string
	for _, o := range outs {
		if o.KeepRef && o.ProviderID != "" {
			channels, refs, ids = append(channels, o.Channel), append(refs, pg.FitRef(storable.Clean(o.ProviderID))), append(ids, o.ID.String())
		}
	}
	return s.insertRefs(ctx, channels, refs, ids)
}

func (s *Store) insertRefs(ctx context.Context, channels []int64, refs, ids []string) error {
	if len(refs) == 0 {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO provider_refs (channel_id, ref, message_id)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[]) ORDER BY 1, 2
		  ON CONFLICT DO NOTHING`, pq.Array(channels), pq.Array(refs), pq.Array(ids))
	return pg.Wrap("keep provider ids", err)
}

// sqlTaken looks for a Twilio id, the only ones that are asked for, where its
// indexes have it: at the accepted calls, and at messages that were in doubt,
// whose id may have come with a callback; the same id has the same recipient.
// Another provider's is looked for in all of a day.
const sqlTaken = `
SELECT CASE WHEN left($2, 2) IN ('SM', 'MM') THEN
  EXISTS (SELECT 1 FROM attempts a JOIN messages m ON m.id = a.message_id
    WHERE left(a.provider_message_id, 2) IN ('SM', 'MM') AND a.provider_message_id = $2
    AND a.message_id <> $3::uuid AND a.message_id >= uuid_floor(now() - interval '8 days') AND m.channel_id = $1)
  OR EXISTS (SELECT 1 FROM messages m WHERE m.maybe_sent AND m.channel_id = $1 AND m.recipient = (SELECT recipient FROM messages
    WHERE id = $3::uuid)
    AND m.provider_message_id = $2 AND m.id <> $3::uuid AND m.id >= uuid_floor(now() - interval '8 days'))
ELSE EXISTS (SELECT 1 FROM messages WHERE channel_id = $1 AND provider_message_id = $2 AND id <> $3::uuid
  AND account_id = (SELECT account_id FROM channels WHERE id = $1) AND id >= uuid_floor(now() - interval '1 day')) END`

// ProviderIDTaken reports whether another recent message of the channel already
// has the provider's id: two equal texts to one recipient look alike.
func (s *Store) ProviderIDTaken(ctx context.Context, channel int64, ref string, other dispatch.ID) (bool, error) {
	var taken bool
	err := s.db.GetContext(ctx, &taken, sqlTaken, channel, ref, other.String())
	return taken, pg.Wrap("look for provider's id", err)
}
