-- +goose Up

-- What a provider reported with a status besides it (price, conversation, all of
-- its errors), as JSON, for the webhooks of vendors' formats. Written only for
-- accounts that have such an endpoint.
ALTER TABLE events ADD COLUMN extra text;

-- +goose Down
ALTER TABLE events DROP COLUMN extra;
