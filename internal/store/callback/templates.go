package callback

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// named are the templates of an account that a provider's report at a channel can
// be about: by the provider's id, or by name and language. What the template of
// a message is stands in its content.
const named = `
WITH c AS MATERIALIZED (SELECT id, account_id, provider, coalesce(settings->>'waba_id', '') AS waba FROM channels WHERE id = $1),
  m AS MATERIALIZED (SELECT content::jsonb->'template' AS t FROM messages WHERE id = $2::uuid AND channel_id = $1),
  -- Whether the account sends through several business accounts: an entry of the
  -- account is then about each of them.
  s AS MATERIALIZED (SELECT count(DISTINCT o.settings->>'waba_id') > 1 AS several FROM channels o, c
    WHERE o.account_id = c.account_id AND o.settings->>'waba_id' <> ''),
  k AS MATERIALIZED (SELECT c.id AS channel_id, c.account_id, c.provider, c.waba, s.several,
      coalesce(m.t->>'name', $4) AS name, coalesce(m.t->'language'->>'code', $5) AS language,
      coalesce(m.t->>'provider_template_id', $3) AS provider_id
    FROM c CROSS JOIN s LEFT JOIN m ON true)`

// matches are the conditions under which template t is the one that k names.
const matches = `t.account_id = k.account_id AND CASE WHEN k.provider_id <> '' THEN t.provider_template_id = k.provider_id
    ELSE t.name = k.name AND t.language = k.language AND t.provider IN ('', k.provider) END`

// sqlCopyTemplate inserts for the channels of one of several business accounts an entry
// of their own, so that a change there leaves the others alone.
const sqlCopyTemplate = named + `
INSERT INTO templates (account_id, channel_id, provider, name, language, category, status, parameter_format, provider_template_id,
  components, quality, quality_at)
SELECT t.account_id, o.id, t.provider, t.name, t.language, t.category, t.status, t.parameter_format, t.provider_template_id, t.components,
  t.quality, t.quality_at
FROM k JOIN templates t ON t.channel_id IS NULL AND ` + matches + `
JOIN channels o ON o.account_id = k.account_id AND (o.id = k.channel_id OR (k.waba <> '' AND o.settings->>'waba_id' = k.waba))
WHERE k.several AND t.provider = '' AND ($6 <> '' AND t.status <> $6 OR $7 <> '' AND t.category <> $7 OR $8 <> '')
ON CONFLICT DO NOTHING`

// sqlChangeTemplate changes the entries and adds an event for each that was
// changed, or for a report that changes nothing ($6 and $7 empty).
var sqlChangeTemplate = pg.Domain.SQL(named + `,
  u AS (UPDATE templates t SET status = coalesce(nullif($6, ''), t.status), category = coalesce(nullif($7, ''), t.category),
      status_reason = CASE WHEN $6 = '' THEN t.status_reason ELSE $8 END, status_at = CASE WHEN $6 = '' THEN t.status_at
        ELSE now() END, updated_at = now(),
      quality = coalesce(nullif($9, ''), t.quality), quality_at = CASE WHEN $9 = '' THEN t.quality_at ELSE now() END
    FROM k WHERE ` + matches + `
      AND (t.channel_id = k.channel_id OR (t.channel_id IS NULL AND NOT (k.several AND t.provider = ''))
        OR (k.waba <> '' AND t.channel_id IN (SELECT o.id FROM channels o
          WHERE o.account_id = k.account_id AND o.settings->>'waba_id' = k.waba)))
      AND (($6 <> '' AND (t.status <> $6 OR t.status_reason <> $8)) OR ($7 <> '' AND t.category <> $7) OR ($6 = '' AND $7 = ''))
    RETURNING t.id, t.account_id, t.name, t.language, t.status, t.category)
INSERT INTO events (message_id, account_id, channel_id, kind, cause, code, detail)
SELECT '00000000-0000-0000-0000-000000000000', u.account_id, $1, {event_template}, 'callback', u.status,
  jsonb_build_object('template_id', u.id, 'name', u.name, 'language', u.language, 'status', u.status, 'category', u.category, 'reason',
    $8::text)::text
FROM u`)

// ChangeTemplates writes what a provider reports of templates at a channel into
// the registry. A template that is not approved is refused when messages are
// accepted, with the reason; its row holds since when (status_at).
func (s *Store) ChangeTemplates(ctx context.Context, channel int64, changes []dispatch.TemplateChange) error {
	for _, c := range changes {
		args := []any{channel, c.Message.String()}
		for _, text := range []string{c.ProviderID, c.Name, c.Language, c.Status, c.Category, c.Reason, c.Quality} {
			args = append(args, storable.Clean(text))
		}
		err := s.db.Tx(ctx, func(tx *pg.DB) error {
			if _, err := tx.ExecContext(ctx, sqlCopyTemplate, append(slices.Clone(args[:7]), args[8])...); err != nil {
				return pg.Wrap("copy template", err)
			}
			_, err := tx.ExecContext(ctx, sqlChangeTemplate, args...)
			return pg.Wrap("change template", err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
