-- +goose Up
-- lock: channels, SHARE ROW EXCLUSIVE, catalogue

-- How many callbacks a channel got, in spans of ten minutes, for two days: doctor
-- names those whose callbacks are rejected or do not arrive.
CREATE TABLE callback_counts (
  channel_id bigint NOT NULL REFERENCES channels ON DELETE CASCADE,
  span       timestamptz NOT NULL,                   -- its beginning
  reason     text NOT NULL,                          -- of the rejection; empty: taken
  n          bigint NOT NULL,
  last_at    timestamptz NOT NULL,
  PRIMARY KEY (channel_id, span, reason)
);
CREATE INDEX callback_counts_span ON callback_counts (span);

-- +goose Down
DROP TABLE callback_counts;
