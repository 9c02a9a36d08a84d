-- +goose Up

-- The last that a provider has reported of a channel about each subject: its
-- account, its quality, its limit, an error.
CREATE TABLE channel_reports (
  channel_id bigint NOT NULL REFERENCES channels ON DELETE CASCADE,
  subject    text NOT NULL,
  level      text NOT NULL CHECK (level IN ('ok', 'warning', 'critical')),
  value      text NOT NULL,
  detail     text NOT NULL DEFAULT '',
  at         timestamptz NOT NULL,
  PRIMARY KEY (channel_id, subject)
);

-- +goose Down
DROP TABLE channel_reports;
