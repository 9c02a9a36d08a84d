-- +goose Up
-- lock: identities, ACCESS EXCLUSIVE, catalogue
-- What a person was called in ledgers before it turned out to be another one too.
ALTER TABLE identities ADD COLUMN former text[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE identities DROP COLUMN former;
