package people

import (
	"context"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The statements save a contact $2 by its number, user id or wa_id, and make it a
// member of the list $5. No index makes wa_ids unique, and the one of a wa_id
// may be known by a number too.
const (
	change = `name = CASE WHEN $3 <> '' THEN $3 ELSE contacts.name END, fields = contacts.fields || coalesce($4::jsonb, '{}'),
    updated_at = now()`
	fresh    = `$1::bigint, $2::text, $3::text, coalesce($4::jsonb, '{}')`
	joinList = `
INSERT INTO list_members (list_id, contact_id) SELECT l.id, c.id FROM c JOIN lists l ON l.id = $5 AND l.account_id = $1
  ON CONFLICT DO NOTHING`

	sqlSaveByPhone = `
WITH c AS (
  INSERT INTO contacts (account_id, phone, name, fields) VALUES (` + fresh + `)
  ON CONFLICT (account_id, phone) DO UPDATE SET ` + change + ` RETURNING id)` + joinList

	sqlSaveByUserID = `
WITH c AS (
  INSERT INTO contacts (account_id, user_id, name, fields) VALUES (` + fresh + `)
  ON CONFLICT (account_id, user_id) WHERE user_id <> '' DO UPDATE SET ` + change + ` RETURNING id)` + joinList

	sqlSaveByWaID = `
WITH known AS (UPDATE contacts SET ` + change + ` WHERE account_id = $1 AND wa_id = $2 AND wa_id <> '' RETURNING id),
made AS (
  INSERT INTO contacts (account_id, wa_id, name, fields) SELECT ` + fresh + ` WHERE NOT EXISTS (SELECT FROM known) RETURNING id),
c AS (SELECT id FROM known UNION ALL SELECT id FROM made)` + joinList
)

// SaveContact creates or updates the contact with one of the ids of package person,
// in a transaction; list 0 is "all contacts".
func SaveContact(ctx context.Context, tx *pg.DB, account int64, id, name, fields string, list int64) error {
	query := sqlSaveByWaID
	switch {
	case person.IsUserID(id):
		query = sqlSaveByUserID
	case person.IsPhone(id):
		query = sqlSaveByPhone
	default:
		id = strings.TrimPrefix(id, "+")
	}
	_, err := tx.ExecContext(ctx, query, account, id, storable.Clean(name), pg.Nullable(fields), list)
	return pg.Wrap("save contact", err)
}
