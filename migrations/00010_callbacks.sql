-- +goose Up

-- A status of Meta that names only Meta's id finds its message by the accepted
-- call. A hash index: the ids are long, random and only looked up.
CREATE INDEX attempts_wamid ON attempts USING hash (provider_message_id) WHERE left(provider_message_id, 6) = 'wamid.';

-- What providers sent and we read nothing from, the newest 1,000 of each account,
-- with numbers and texts masked.
CREATE TABLE ignored_callbacks (
  id         uuid PRIMARY KEY,
  account_id bigint NOT NULL,
  channel_id bigint NOT NULL,
  provider   text NOT NULL,
  kind       text NOT NULL,
  reason     text NOT NULL,
  body       text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ignored_callbacks_account ON ignored_callbacks (account_id, id);

-- +goose Down
DROP TABLE ignored_callbacks;
DROP INDEX attempts_wamid;
