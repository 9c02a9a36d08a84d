-- +goose NO TRANSACTION
-- +goose Up
-- lock: campaign_recipients, ROW EXCLUSIVE, scan
-- lock: campaign_recipients, SHARE UPDATE EXCLUSIVE, index

CALL fill_indexed_status();

-- Whose turn it is, and the few rows that ended badly.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_turn;
CREATE INDEX CONCURRENTLY campaign_recipients_turn ON campaign_recipients (campaign_id, indexed_status, wake_at, seq)
  WHERE indexed_status < 10;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_rare;
CREATE INDEX CONCURRENTLY campaign_recipients_rare ON campaign_recipients (campaign_id, indexed_status, seq) WHERE indexed_status >= 60;

-- While they are there, no change of a status is HOT. The binary before does without
-- them, by the primary key: until it is replaced, a step of a campaign reads its ledger.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_open;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_ended;

-- +goose Down
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_open ON campaign_recipients (campaign_id, status, wake_at, seq)
  WHERE status < 30;
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_ended ON campaign_recipients (campaign_id, status, seq) WHERE status >= 60;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_rare;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_turn;
