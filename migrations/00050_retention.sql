-- +goose Up
-- lock: accounts, ACCESS EXCLUSIVE, catalogue

-- For how many days an account keeps each kind of record; what is not named is
-- kept as the binary's default says.
ALTER TABLE accounts ADD COLUMN retention jsonb NOT NULL DEFAULT '{}';

-- How far the old messages of an account are removed or blanked (what): those up
-- to the id are.
CREATE TABLE retention_marks (
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  what       text NOT NULL,
  done_to    uuid NOT NULL,
  PRIMARY KEY (account_id, what)
);

-- +goose Down
DROP TABLE retention_marks;
ALTER TABLE accounts DROP COLUMN retention;
