-- +goose NO TRANSACTION
-- +goose Up
-- lock: webhook_deliveries, SHARE UPDATE EXCLUSIVE, index

-- The deliveries of a message: who erases or redacts one looks for them by it. Built
-- while webhooks go out; one that a stopped build left behind is not used, and goes.
DROP INDEX CONCURRENTLY IF EXISTS webhook_deliveries_message;
CREATE INDEX CONCURRENTLY webhook_deliveries_message ON webhook_deliveries (message_id);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS webhook_deliveries_message;
