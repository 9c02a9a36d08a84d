-- +goose NO TRANSACTION
-- +goose Up
-- lock: campaign_recipients, ROW EXCLUSIVE, scan
-- lock: campaign_recipients, SHARE UPDATE EXCLUSIVE, index

CALL fill_campaign_messages();

-- The order of turns, of rows that had theirs too: a row that gets its message stays in it.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_due;
CREATE INDEX CONCURRENTLY campaign_recipients_due ON campaign_recipients (campaign_id, wake_at, seq);
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_held;
CREATE INDEX CONCURRENTLY campaign_recipients_held ON campaign_recipients (campaign_id) WHERE indexed_status = 3;

-- A person's rows of one campaign, and of all, for their caps.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_who;
CREATE UNIQUE INDEX CONCURRENTLY campaign_recipients_who ON campaign_recipients (person, campaign_id) WHERE person IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_person;

-- While one of these is there, no row that gets its message is changed in place. The binary
-- before does without them, by the primary key: until it is replaced, a step of a campaign
-- reads its ledger, and so do the results of its messages.
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_turn;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_had;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_message;

-- +goose Down
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_message ON campaign_recipients (campaign_id, message_id)
  WHERE message_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_had ON campaign_recipients (person, message_id)
  WHERE message_id IS NOT NULL AND person IS NOT NULL;
UPDATE campaign_recipients SET indexed_status = status WHERE status < 10 AND indexed_status IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_turn ON campaign_recipients (campaign_id, indexed_status, wake_at, seq)
  WHERE indexed_status < 10;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS campaign_recipients_person ON campaign_recipients (campaign_id, person)
  WHERE person IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_who;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_held;
DROP INDEX CONCURRENTLY IF EXISTS campaign_recipients_due;
