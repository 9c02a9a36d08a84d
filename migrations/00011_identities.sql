-- +goose Up

-- Who wrote, where it was no number, and in which group. A notice that somebody
-- has another number names it.
ALTER TABLE inbound
  ADD COLUMN user_id text NOT NULL DEFAULT '',
  ADD COLUMN username text NOT NULL DEFAULT '',
  ADD COLUMN group_id text NOT NULL DEFAULT '',
  ADD COLUMN moved_to text NOT NULL DEFAULT '';

ALTER TABLE identities ADD COLUMN username text NOT NULL DEFAULT '';

-- The layers of entries that are older than their columns.
UPDATE suppressions SET manual = scope WHERE reason = 'manual' AND manual IS NULL;
UPDATE suppressions SET stopped_at = created_at WHERE reason <> 'manual' AND scope = 'all' AND stopped_at IS NULL;

-- How an entry came: message, event, refusal, operator, import, number_change.
ALTER TABLE suppressions ADD COLUMN source text NOT NULL DEFAULT '';

-- The languages whose opt-out words count; null: by the country of who writes.
ALTER TABLE accounts ADD COLUMN opt_out_languages text[];

-- +goose Down
ALTER TABLE accounts DROP COLUMN opt_out_languages;
ALTER TABLE suppressions DROP COLUMN source;
ALTER TABLE identities DROP COLUMN username;
ALTER TABLE inbound DROP COLUMN user_id, DROP COLUMN username, DROP COLUMN group_id, DROP COLUMN moved_to;
