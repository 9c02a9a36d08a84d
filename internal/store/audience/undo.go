package audience

import (
	"context"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// undoPage is how many records an import takes back in one transaction.
const undoPage = 2000

// Statements that take back up to $2 records of the import $1; each returns how
// many it is done with. What was changed again since stays.
const (
	sqlRestoreContacts = `
WITH t AS (SELECT target, before FROM import_changes WHERE import_id = $1 ORDER BY target LIMIT $2 FOR UPDATE),
  c AS (SELECT c.id FROM contacts c JOIN t ON c.id = t.target::bigint
    WHERE c.import_id = $1 AND c.updated_at = c.imported_at ORDER BY c.phone, c.id FOR NO KEY UPDATE OF c),
  u AS (UPDATE contacts c SET phone = b.phone, wa_id = b.wa_id, user_id = b.user_id, name = b.name, time_zone = b.time_zone,
      fields = b.fields, updated_at = b.updated_at, import_id = b.import_id, imported_at = b.imported_at
    FROM t CROSS JOIN LATERAL jsonb_populate_record(NULL::contacts, t.before) b
    WHERE c.id = t.target::bigint AND c.id IN (SELECT id FROM c)),
  d AS (DELETE FROM import_changes i USING t WHERE i.import_id = $1 AND i.target = t.target RETURNING 1)
SELECT count(*) FROM d`
	sqlDeleteContacts = `
WITH d AS (DELETE FROM contacts WHERE id IN (SELECT c.id FROM contacts c WHERE c.import_id = $1 AND c.created_at = c.imported_at
    AND c.updated_at = c.imported_at
    AND NOT EXISTS (SELECT 1 FROM list_contacts l WHERE l.contact_id = c.id AND l.import_id IS DISTINCT FROM $1)
    ORDER BY c.id LIMIT $2 FOR UPDATE) RETURNING 1)
SELECT count(*) FROM d`
	sqlUnlist = `
WITH d AS (DELETE FROM list_contacts WHERE (list_id, contact_id) IN (SELECT l.list_id, l.contact_id FROM list_contacts l
    JOIN imports i ON i.list_id = l.list_id WHERE i.id = $1 AND l.import_id = $1 ORDER BY l.contact_id LIMIT $2) RETURNING 1)
SELECT count(*) FROM d`
	sqlRestoreSuppressions = `
WITH t AS (SELECT i.account_id, c.target, c.before, c.after FROM import_changes c JOIN imports i ON i.id = c.import_id
    WHERE c.import_id = $1 ORDER BY c.target LIMIT $2 FOR UPDATE OF c),
  x AS (DELETE FROM suppressions p USING t
    WHERE p.account_id = t.account_id AND p.phone = t.target AND t.before IS NULL AND to_jsonb(p) = t.after),
  u AS (UPDATE suppressions p SET scope = b.scope, manual = b.manual, stopped_at = b.stopped_at, detail = b.detail
    FROM t CROSS JOIN LATERAL jsonb_populate_record(NULL::suppressions, t.before) b
    WHERE p.account_id = t.account_id AND p.phone = t.target AND t.before IS NOT NULL AND to_jsonb(p) = t.after),
  d AS (DELETE FROM import_changes i USING t WHERE i.import_id = $1 AND i.target = t.target RETURNING 1)
SELECT count(*) FROM d`
	sqlDeleteRows = `
WITH d AS (DELETE FROM import_rows WHERE (import_id, row) IN
  (SELECT import_id, row FROM import_rows WHERE import_id = $1 AND result <> 'bad' ORDER BY row LIMIT $2) RETURNING 1)
SELECT count(*) FROM d`
)

var undoes = map[string][]string{
	Contacts:     {sqlRestoreContacts, sqlDeleteContacts, sqlUnlist},
	Suppressions: {sqlRestoreSuppressions},
	Audience:     {sqlDeleteRows},
}

// TakeBack takes back a part of what an import wrote. done means that nothing is
// left.
func (s *Store) TakeBack(ctx context.Context, i *Import, lease string) (done bool, err error) {
	if err := s.Renew(ctx, i.ID, lease); err != nil {
		return false, err
	}
	for _, sql := range undoes[i.Kind] {
		var n int
		err := s.db.Tx(ctx, func(tx *pg.DB) error { return tx.GetContext(ctx, &n, sql, i.ID, undoPage) })
		if err != nil {
			return false, pg.Wrap("undo import", err)
		}
		if n > 0 {
			return false, nil
		}
	}
	return true, nil
}
