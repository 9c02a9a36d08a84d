-- +goose NO TRANSACTION
-- +goose Up
-- lock: scheduled, SHARE UPDATE EXCLUSIVE, index

-- The scheduled messages of an account by their send_at: the primary key has those of all
-- accounts in that order, of which an account may have few.
DROP INDEX CONCURRENTLY IF EXISTS scheduled_due;
CREATE INDEX CONCURRENTLY scheduled_due ON scheduled (account_id, due_at, message_id);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS scheduled_due;
