-- +goose Up
-- lock: messages, ACCESS EXCLUSIVE, catalogue
-- lock: config_version, ACCESS EXCLUSIVE, catalogue

-- A backlog is kept in pages: one row for up to a few hundred messages that were accepted
-- together, in the place of a row of dispatch for each. A message is in its page, and
-- in nothing else, while its status is queued and dispatch has no row of it.
CREATE TABLE backlog (
  page       bigint PRIMARY KEY,      -- grows with the time of acceptance
  account_id bigint NOT NULL,
  channel_id bigint NOT NULL,
  lane       smallint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,    -- of the message that expires first
  first_id   uuid NOT NULL,           -- no id is smaller
  n          integer NOT NULL,        -- how many ids
  ids        uuid[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast_tuple_target = 8160);
CREATE INDEX backlog_channel ON backlog (lane, channel_id, page);
CREATE INDEX backlog_account ON backlog (account_id, page);
CREATE INDEX backlog_expiry ON backlog (expires_at);

-- A claim of messages out of pages: they are in its row, and no longer in those of
-- backlog. It may outlive the last of its messages.
CREATE TABLE claims (
  claim      uuid PRIMARY KEY,
  account_id bigint NOT NULL,
  channel_id bigint NOT NULL,
  lane       smallint NOT NULL,
  wake_at    timestamptz NOT NULL,    -- when its lease ends
  pages      bigint[] NOT NULL,
  ids        uuid[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast_tuple_target = 8160);

ALTER TABLE messages ADD COLUMN page bigint;

-- Whether pages are written: not yet where the binary before, which does not know them,
-- may have run. "sendoff migrate contract" says that it will not run any more.
ALTER TABLE config_version ADD COLUMN contracted integer NOT NULL DEFAULT 0;
UPDATE config_version SET contracted = 140 WHERE NOT EXISTS (SELECT FROM instances);

-- +goose Down
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
SELECT m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, now(), m.created_at, m.expires_at
FROM (SELECT unnest(ids) AS id FROM backlog) b JOIN messages m ON m.id = b.id WHERE m.status = 10 ON CONFLICT DO NOTHING;
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, state, claim, attempts, wake_at, due_at, expires_at)
SELECT m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, 1, c.claim, 1, c.wake_at, m.created_at, m.expires_at
FROM (SELECT claim, wake_at, unnest(ids) AS id FROM claims) c JOIN messages m ON m.id = c.id WHERE m.status = 10 ON CONFLICT DO NOTHING;
ALTER TABLE config_version DROP COLUMN contracted;
ALTER TABLE messages DROP COLUMN page;
DROP TABLE claims, backlog;
