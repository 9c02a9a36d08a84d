-- +goose Up

-- The ledger is written with every message of an account that pays: checking
-- that the account exists locked its row once for each of them, and a second
-- index was written for nothing. Accounts are never deleted.
ALTER TABLE ledger DROP CONSTRAINT IF EXISTS ledger_account_id_fkey;
ALTER TABLE ledger DROP CONSTRAINT IF EXISTS ledger_pkey;
ALTER TABLE ledger ADD PRIMARY KEY (account_id, id);
DROP INDEX IF EXISTS ledger_account;

-- +goose Down
CREATE INDEX IF NOT EXISTS ledger_account ON ledger (account_id, id);
ALTER TABLE ledger DROP CONSTRAINT IF EXISTS ledger_pkey;
ALTER TABLE ledger ADD PRIMARY KEY (id);
ALTER TABLE ledger ADD CONSTRAINT ledger_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
