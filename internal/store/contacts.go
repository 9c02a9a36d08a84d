package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const sqlSaveContact = `
WITH c AS (
  INSERT INTO contacts (account_id, phone, name, fields) VALUES ($1, $2, $3, coalesce($4::jsonb, '{}'))
  ON CONFLICT (account_id, phone) DO UPDATE SET name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE contacts.name END,
    fields = contacts.fields || excluded.fields, updated_at = now()
  RETURNING id)
INSERT INTO list_members (list_id, contact_id) SELECT l.id, c.id FROM c JOIN lists l ON l.id = $5 AND l.account_id = $1 ON CONFLICT DO NOTHING`

// saveContacts creates or updates the recipients that asked for it, in the
// accept transaction; list 0 is "all contacts".
func saveContacts(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	page = slices.Clone(page)
	// One order for everybody: two pages with the same contacts must not deadlock.
	slices.SortStableFunc(page, func(a, b *NewMessage) int { return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.To, b.To)) })
	for _, a := range page {
		if a.Contact == nil || out[a.ID].Err != nil || out[a.ID].Replayed {
			continue
		}
		if _, err := tx.ExecContext(ctx, sqlSaveContact, a.Account, a.To, pg.Storable(a.Contact.Name), pg.Nullable(string(a.Contact.Fields)), a.Contact.ListID); err != nil {
			return pg.Wrap("save contact", err)
		}
	}
	return nil
}

// NoteWaID keeps the provider's own id of a recipient, which links the two, and
// shows it with the contact.
func (s *Store) NoteWaID(ctx context.Context, account int64, phone, waID string) error {
	if err := s.Link(ctx, account, phone, dispatch.PersonID(waID)); err != nil || !dispatch.IsPhone(phone) {
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO contacts (account_id, phone, wa_id) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, phone) DO UPDATE SET wa_id = excluded.wa_id WHERE contacts.wa_id <> excluded.wa_id`, account, phone, waID)
	return pg.Wrap("note provider's id of recipient", err)
}

// suppressRecipients suppresses the recipients of messages that the provider
// refused for them. $2 are the scopes.
func suppressRecipients(ctx context.Context, q *pg.DB, ids, scopes []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := q.ExecContext(ctx, `INSERT INTO suppressions AS s (account_id, phone, reason, scope, stopped_at, marketing_at)
		SELECT account_id, recipient, 'provider', scope, CASE scope WHEN 'all' THEN now() END, CASE scope WHEN 'marketing' THEN now() END
		FROM (SELECT m.account_id, m.recipient, min(t.scope) AS scope FROM unnest($1::uuid[], $2::text[]) AS t(id, scope)
			JOIN messages m ON m.id = t.id GROUP BY 1, 2 ORDER BY 1, 2) x
		ON CONFLICT (account_id, phone) DO UPDATE SET scope = CASE WHEN excluded.scope = 'all' THEN 'all' ELSE s.scope END,
			manual = coalesce(s.manual, CASE WHEN s.reason = 'manual' THEN s.scope END),
			stopped_at = coalesce(s.stopped_at, excluded.stopped_at), marketing_at = coalesce(s.marketing_at, excluded.marketing_at)`,
		pq.Array(ids), pq.Array(scopes))
	return pg.Wrap("suppress recipients", err)
}

// Quoted is a message that another one answers: one of ours, or one that a
// contact sent.
type Quoted struct {
	Channel    int64  `db:"channel_id"`
	Inbound    bool   `db:"inbound"`
	Test       bool   `db:"test"`
	ProviderID string `db:"provider_id"` // empty: the provider has given none
}

const sqlQuoted = `
SELECT channel_id, false AS inbound, test, coalesce(provider_message_id, '') AS provider_id FROM messages WHERE id = $1::uuid AND account_id = $2
UNION ALL
SELECT channel_id, true, false, ` + pg.InboundProviderID + ` FROM inbound WHERE id = $1::uuid AND account_id = $2
LIMIT 1`

// FindQuoted looks for a message of the account by our own id; found is false
// when it has none.
func (s *Store) FindQuoted(ctx context.Context, account int64, id dispatch.ID) (q Quoted, found bool, err error) {
	err = s.db.GetContext(ctx, &q, sqlQuoted, id.String(), account)
	if errors.Is(err, sql.ErrNoRows) {
		return q, false, nil
	}
	return q, err == nil, pg.Wrap("find quoted message", err)
}
