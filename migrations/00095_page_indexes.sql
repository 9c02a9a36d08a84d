-- +goose NO TRANSACTION
-- +goose Up
-- lock: contacts, SHARE UPDATE EXCLUSIVE, index
-- lock: templates, SHARE UPDATE EXCLUSIVE, index
-- lock: suppressions, SHARE UPDATE EXCLUSIVE, index
-- lock: import_rows, SHARE UPDATE EXCLUSIVE, index

-- The lists of an account read their page also beside an account that has much more.
-- Built while messages go out; one that a stopped build left behind is not used, and goes.
DROP INDEX CONCURRENTLY IF EXISTS contacts_account;
CREATE INDEX CONCURRENTLY contacts_account ON contacts (account_id, id);
DROP INDEX CONCURRENTLY IF EXISTS templates_account;
CREATE INDEX CONCURRENTLY templates_account ON templates (account_id, id);

-- Ids that begin with a text, in the order of their bytes: that of the column's collation
-- cannot find them.
DROP INDEX CONCURRENTLY IF EXISTS suppressions_prefix;
CREATE INDEX CONCURRENTLY suppressions_prefix ON suppressions (account_id, phone text_pattern_ops);

-- The few bad rows among those of an import.
DROP INDEX CONCURRENTLY IF EXISTS import_rows_bad;
CREATE INDEX CONCURRENTLY import_rows_bad ON import_rows (import_id, row) WHERE result = 'bad';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS import_rows_bad;
DROP INDEX CONCURRENTLY IF EXISTS suppressions_prefix;
DROP INDEX CONCURRENTLY IF EXISTS templates_account;
DROP INDEX CONCURRENTLY IF EXISTS contacts_account;
