-- +goose Up

-- The keys of a disabled account are refused; what it had accepted is sent all
-- the same. An older process goes on without knowing of it.
ALTER TABLE accounts ADD COLUMN disabled_at timestamptz;
DROP TRIGGER accounts_changed ON accounts;
CREATE TRIGGER accounts_changed AFTER INSERT OR DELETE OR UPDATE OF sid, name, credits_enabled, redact_days, disabled_at ON accounts
  FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();

-- +goose Down
DROP TRIGGER accounts_changed ON accounts;
CREATE TRIGGER accounts_changed AFTER INSERT OR DELETE OR UPDATE OF sid, name, credits_enabled, redact_days ON accounts
  FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();
ALTER TABLE accounts DROP COLUMN disabled_at;
