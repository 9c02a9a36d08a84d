-- +goose NO TRANSACTION
-- +goose Up
-- lock: campaign_recipients, SHARE UPDATE EXCLUSIVE, index

-- The few rows of a ledger that failed, expired, were cancelled or skipped, or whose end
-- is unknown. Rows that are sent, delivered and read never enter it.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_ended;
CREATE INDEX CONCURRENTLY campaign_recipients_ended ON campaign_recipients (campaign_id, status, seq) WHERE status >= 60;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_ended;
