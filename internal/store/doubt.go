package store

import (
	"context"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlFindDoubt is the rule for providers that echo no id of ours: an event with
// an unknown id settles the only message of that channel and person that is
// in doubt because of a call that began before the event. A receipt
// that arrives after the resolve window settles it too. Events carry seconds, so
// that starts are compared in seconds; a call whose worker is gone has no start.
//
// Nothing is settled while a call to that recipient is open, because the event
// may belong to it: ids of accepted calls are stored before their dispatch row
// goes, and the parked event is looked up again. The same holds when a second
// message qualifies, also one whose later call was accepted.
var sqlFindDoubt = numbers.SQL(`
SELECT t.i, x.message_id
FROM (SELECT i, channel_id, test, least(coalesce(to_timestamp(at_us / 1e6), now()), now()) AS at,
      ` + people.LinkedTo("c.account_id", "recipient") + ` || recipient AS recipients
    FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[]) AS t(i, channel_id, recipient, at_us, test)
    JOIN channels c ON c.id = channel_id) t
CROSS JOIN LATERAL (SELECT min(c.id::text)::uuid AS message_id
  FROM (SELECT m.id, d.state = {claimed} AS open, m.provider_message_id, m.created_at
      FROM dispatch d JOIN messages m ON m.id = d.message_id
      WHERE d.channel_id = t.channel_id AND d.state IN ({claimed}, {resolving})
        AND m.recipient = ANY(t.recipients) AND m.test = t.test
    UNION
    SELECT m.id, true, m.provider_message_id, m.created_at
      FROM (SELECT unnest(c.ids) AS id FROM claims c WHERE c.channel_id = t.channel_id OFFSET 0) p
      CROSS JOIN LATERAL (SELECT m.* FROM messages m WHERE m.id = p.id AND ` + held + ` AND m.recipient = ANY(t.recipients)
        AND m.test = t.test OFFSET 0) m
      WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)
    UNION
    SELECT m.id, coalesce(d.state = {claimed}, false), m.provider_message_id, m.created_at
      FROM messages m LEFT JOIN dispatch d ON d.message_id = m.id
      WHERE m.maybe_sent AND m.channel_id = t.channel_id AND m.recipient = ANY(t.recipients) AND m.test = t.test
        AND m.id >= uuid_floor(now() - interval '8 days')
        AND (m.provider_message_id IS NULL
          OR EXISTS (SELECT 1 FROM attempts a WHERE a.message_id = m.id AND a.outcome = {result_accepted}))) c
  WHERE date_trunc('second', c.created_at) <= t.at AND (c.open OR EXISTS (SELECT 1 FROM attempts a
    WHERE a.message_id = c.id AND a.outcome IN ({result_doubtful}, {result_unknown})
      AND date_trunc('second', coalesce(a.started_at, c.created_at)) <= t.at))
  HAVING count(*) = 1 AND bool_and(NOT c.open AND c.provider_message_id IS NULL)) x`)

// findDoubted fills in the messages in doubt of events that name no id we know.
// Two ids in one batch are two copies: only the first settles the message, the
// other event is looked up again.
func (s *Store) findDoubted(ctx context.Context, us []dispatch.StatusUpdate) error {
	var is, channels []int64
	var recipients []string
	var at []*int64
	var test []bool
	for i, u := range us {
		if u.ID == dispatch.NoID && u.ByRecipient && u.Recipient != "" {
			is, channels, recipients = append(is, int64(i)), append(channels, u.Channel), append(recipients, u.Recipient)
			at, test = append(at, pg.Micros(u.At)), append(test, u.Test)
		}
	}
	if len(is) == 0 {
		return nil
	}
	var found []foundMessage
	err := s.db.SelectContext(ctx, &found, sqlFindDoubt,
		pq.Array(is), pq.Array(channels), pq.Array(recipients), pg.NullableArray(at), pq.Array(test))
	if err != nil {
		return pg.Wrap("find doubted messages of callbacks", err)
	}
	settledBy := map[dispatch.ID]string{}
	for _, f := range found {
		if ref, ok := settledBy[f.ID]; ok && ref != us[f.I].ProviderID {
			continue
		}
		settledBy[f.ID] = us[f.I].ProviderID
		us[f.I].ID = f.ID
	}
	return nil
}

// sqlWakeParked lets the parked events of channels be looked up at once.
const sqlWakeParked = `
UPDATE parked_callbacks SET wake_at = now() WHERE id = ANY(ARRAY(SELECT id FROM parked_callbacks
  WHERE channel_id = ANY($1::bigint[]) AND wake_at > now() ORDER BY created_at DESC LIMIT 200 FOR UPDATE SKIP LOCKED))`

// wakeParked looks again for what arrived while calls were open whose outcome is
// unknown now, on channels whose provider echoes no id.
func (s *Store) wakeParked(ctx context.Context, outs []Outcome) error {
	var channels []int64
	for _, o := range outs {
		if o.KeepRef {
			channels = append(channels, o.Channel)
		}
	}
	if len(channels) == 0 {
		return nil
	}
	_, err := s.db.ExecContext(ctx, sqlWakeParked, pq.Array(channels))
	return pg.Wrap("wake parked callbacks", err)
}
