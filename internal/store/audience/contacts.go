package audience

import "context"

// Statements that merge the staged rows into contacts; $1 is the account.
const (
	// sqlLock lets nobody else give wa_ids to contacts: no index makes them unique.
	sqlLock = `SELECT pg_advisory_xact_lock(hashtextextended('contacts', $1))`

	// The contacts of the rows: those that this transaction created, as now() is
	// its time, and those that there were. A subquery probes an index for each row
	// also while Postgres has no statistics, as of a table that is new.
	setContact = `
UPDATE import_stage s SET (contact, result) = (SELECT c.id, CASE WHEN c.import_id = $2 AND c.created_at = now() THEN 'created' END
  FROM contacts c WHERE c.account_id = $1 AND `
	whereNone   = ` ORDER BY c.id LIMIT 1) WHERE s.result IS NULL AND s.contact IS NULL`
	sqlByPhone  = setContact + `c.phone = s.phone` + whereNone
	sqlByUserID = setContact + `c.user_id = s.user_id AND c.user_id <> ''` + whereNone + ` AND s.user_id <> ''`
	sqlByWaID   = setContact + `c.wa_id = s.wa_id AND c.wa_id <> ''` + whereNone + ` AND s.wa_id <> ''`

	// sqlTorn refuses a row whose ids are those of different contacts.
	sqlTorn = `
UPDATE import_stage s SET result = 'bad', problem = 'the ids of the row belong to different contacts' FROM contacts a
WHERE a.id = s.contact AND s.result IS NULL AND (a.phone <> s.phone
  OR EXISTS (SELECT 1 FROM contacts b WHERE b.account_id = $1 AND b.id <> a.id
    AND (b.phone = s.phone OR b.wa_id = s.wa_id AND s.wa_id <> '' OR b.user_id = s.user_id AND s.user_id <> '')))`

	// sqlInsert creates the contacts that the account lacks. Those that it has are
	// locked in the same order, that of the numbers, as every page takes them.
	insert = `
INSERT INTO contacts (account_id, phone, wa_id, user_id, name, time_zone, fields, import_id, imported_at)
SELECT $1, phone, wa_id, user_id, name, time_zone, fields, $2, now() FROM import_stage
WHERE result IS NULL AND contact IS NULL AND phone IS `
	sqlInsert       = insert + `NOT NULL ORDER BY phone ON CONFLICT (account_id, phone) DO UPDATE SET phone = excluded.phone WHERE false`
	sqlInsertOthers = insert + `NULL ORDER BY wa_id, user_id`
	sqlWouldCreate  = `UPDATE import_stage SET result = 'created' WHERE result IS NULL AND contact IS NULL`

	// What the row makes of the contact c that there is.
	changed = `(coalesce(c.phone, s.phone), coalesce(nullif(s.wa_id, ''), c.wa_id), coalesce(nullif(s.user_id, ''), c.user_id),
  coalesce(nullif(s.name, ''), c.name), coalesce(nullif(s.time_zone, ''), c.time_zone), c.fields || s.fields)`
	differs = changed + ` IS DISTINCT FROM (c.phone, c.wa_id, c.user_id, c.name, c.time_zone, c.fields)`

	// sqlRemember keeps the contacts as they are before they change.
	sqlRemember = `
INSERT INTO import_changes (import_id, target, before) SELECT $1, x.id, x.before FROM (
  SELECT c.id::text AS id, to_jsonb(c) AS before FROM import_stage s JOIN contacts c ON c.id = s.contact
  WHERE s.result IS NULL AND ` + differs + ` ORDER BY c.phone, c.id FOR NO KEY UPDATE OF c) x
ON CONFLICT DO NOTHING`
	sqlDiffering = `
UPDATE import_stage s SET result = 'updated' FROM contacts c WHERE c.id = s.contact AND s.result IS NULL AND ` + differs
	sqlUpdate = `
UPDATE contacts c SET (phone, wa_id, user_id, name, time_zone, fields) = ROW ` + changed + `,
  updated_at = now(), import_id = $1, imported_at = now() FROM import_stage s WHERE c.id = s.contact AND s.result = 'updated'`

	// A contact that is new on the list is updated, whatever else is in the row.
	sqlUnlisted = `
UPDATE import_stage s SET result = 'updated' WHERE s.result IS NULL
AND NOT EXISTS (SELECT 1 FROM list_contacts l WHERE l.list_id = $1 AND l.contact_id = s.contact)`
	sqlList = `
INSERT INTO list_contacts (list_id, contact_id, import_id) SELECT $1, contact, $2 FROM import_stage
WHERE result IN ('created', 'updated') ORDER BY contact ON CONFLICT DO NOTHING`

	sqlRest = `UPDATE import_stage SET result = 'unchanged' WHERE result IS NULL`
)

// step is a statement and its arguments; one that is not due is skipped.
type step struct {
	due  bool
	sql  string
	args []any
}

func (m *merge) steps(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if !s.due {
			continue
		}
		if err := m.run(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// contacts merges the rows into contacts and lists.
func (m *merge) contacts(ctx context.Context) error {
	account, here, id := []any{m.i.Account}, []any{m.i.Account, m.i.ID}, []any{m.i.ID}
	if err := m.stage(ctx); err != nil {
		return err
	}
	write, update, list := !m.o.DryRun, !m.o.Keep, m.i.List != nil
	err := m.steps(ctx, []step{
		{m.ids, sqlLock, account},
		{m.ids, sqlByUserID, here},
		{m.ids, sqlByWaID, here},
		{m.ids, sqlTorn, account},
		{write, sqlInsert, here},
		{write && m.ids, sqlInsertOthers, here},
		{true, sqlByPhone, here},
		{write && m.ids, sqlByUserID, here},
		{write && m.ids, sqlByWaID, here},
		{!write, sqlWouldCreate, nil},
		{m.ids, sqlTorn, account},
		{write && update, sqlRemember, id},
		{update, sqlDiffering, nil},
		{write && update, sqlUpdate, id},
		{list, sqlUnlisted, []any{m.i.List}},
		{write && list, sqlList, []any{m.i.List, m.i.ID}},
		{true, sqlRest, nil},
	})
	if err != nil {
		return err
	}
	return m.tally(ctx)
}
