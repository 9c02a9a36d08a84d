package audience

import "context"

// Statements that merge the staged rows into suppressions.
const (
	// What a row holds back, and how it came about: as in an export of
	// suppressions.
	sqlValues = `
CREATE TEMP TABLE import_values ON COMMIT DROP AS SELECT s.row, v.value FROM import_stage s
CROSS JOIN LATERAL (VALUES (s.phone), ('+' || nullif(s.wa_id, '')), (nullif(s.user_id, ''))) v (value) WHERE v.value IS NOT NULL`
	sqlWanted = `
CREATE TEMP TABLE import_wanted ON COMMIT DROP AS
SELECT DISTINCT ON (v.value) v.row, v.value, coalesce(nullif(s.fields ->> 'scope', ''), 'all') AS scope,
  CASE WHEN s.fields ->> 'reason' IN ('stop', 'provider') THEN s.fields ->> 'reason' ELSE 'manual' END AS reason,
  left(coalesce(nullif(s.fields ->> 'detail', ''),
    CASE WHEN s.fields ->> 'reason' NOT IN ('stop', 'provider', 'manual') THEN s.fields ->> 'reason' END, ''), 500) AS detail
FROM import_values v JOIN import_stage s USING (row) WHERE s.result IS NULL ORDER BY v.value, v.row`

	// An import adds suppressions and widens them; it lifts none.
	sqlRememberSuppressions = `
INSERT INTO import_changes (import_id, target, before) SELECT $1, w.value, to_jsonb(p) FROM import_wanted w
LEFT JOIN suppressions p ON p.account_id = $2 AND p.phone = w.value WHERE p.phone IS NULL OR p.scope = 'marketing' AND w.scope = 'all'
ON CONFLICT DO NOTHING`
	sqlSuppress = `
INSERT INTO suppressions AS s (account_id, phone, reason, detail, scope, manual, source, stopped_at, marketing_at)
SELECT $1, value, reason, detail, scope, CASE WHEN reason = 'manual' THEN scope END, 'import',
  CASE WHEN reason <> 'manual' AND scope = 'all' THEN now() END,
  CASE WHEN reason <> 'manual' AND scope = 'marketing' THEN now() END FROM import_wanted ORDER BY value
ON CONFLICT (account_id, phone) DO UPDATE SET scope = 'all', manual = coalesce(excluded.manual, s.manual),
  stopped_at = coalesce(s.stopped_at, excluded.stopped_at), detail = coalesce(nullif(s.detail, ''), excluded.detail)
WHERE s.scope = 'marketing' AND excluded.scope = 'all'`
	sqlAfter = `
UPDATE import_changes c SET after = to_jsonb(p) FROM import_wanted w, suppressions p
WHERE c.import_id = $1 AND c.target = w.value AND c.after IS NULL AND p.account_id = $2 AND p.phone = w.value`
	sqlNew = `
UPDATE import_stage s SET result = x.result FROM (
  SELECT w.row, CASE WHEN bool_or(p.phone IS NULL) THEN 'created' ELSE 'updated' END AS result FROM import_wanted w
  LEFT JOIN suppressions p ON p.account_id = $1 AND p.phone = w.value
  WHERE p.phone IS NULL OR p.scope = 'marketing' AND w.scope = 'all' GROUP BY w.row) x
WHERE s.row = x.row AND s.result IS NULL`
	sqlNotSuppressed = `UPDATE import_stage SET suppressed = false`
)

// suppressions adds suppressions. That a person is suppressed already is no
// reason to count the row apart.
func (m *merge) suppressions(ctx context.Context) error {
	write := !m.o.DryRun
	if err := m.stage(ctx); err != nil {
		return err
	}
	err := m.steps(ctx, []step{
		{true, sqlValues, nil},
		{true, sqlNotSuppressed, nil},
		{true, sqlWanted, nil},
		{true, sqlNew, []any{m.i.Account}},
		{write, sqlRememberSuppressions, []any{m.i.ID, m.i.Account}},
		{write, sqlSuppress, []any{m.i.Account}},
		{write, sqlAfter, []any{m.i.ID, m.i.Account}},
		{true, sqlRest, nil},
	})
	if err != nil {
		return err
	}
	return m.tally(ctx)
}
