-- +goose Up

-- The secrets of a key before the rotation before its last one, each until its
-- own end; the newest old one is in api_keys.old_hash.
CREATE TABLE api_key_secrets (
  hash   bytea PRIMARY KEY,
  key_id bigint NOT NULL REFERENCES api_keys ON DELETE CASCADE,
  until  timestamptz NOT NULL
);
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id);

-- +goose Down
DROP TABLE api_key_secrets;
