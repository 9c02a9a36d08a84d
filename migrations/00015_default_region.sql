-- +goose Up

-- The country (ISO 3166) of numbers in national form: a key's counts before its
-- account's; '' is none.
ALTER TABLE accounts ADD COLUMN default_region text NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN default_region text NOT NULL DEFAULT '';
CREATE TRIGGER accounts_region_changed AFTER UPDATE OF default_region ON accounts FOR EACH STATEMENT EXECUTE FUNCTION bump_config_version();

-- +goose Down
DROP TRIGGER accounts_region_changed ON accounts;
ALTER TABLE api_keys DROP COLUMN default_region;
ALTER TABLE accounts DROP COLUMN default_region;
