-- +goose Up

-- What a contact sent, in one form for every provider (JSON); empty: received by
-- an older process.
ALTER TABLE inbound ADD COLUMN content text NOT NULL DEFAULT '';

-- Why and since when a template has the status that its provider reported.
ALTER TABLE templates ADD COLUMN status_reason text NOT NULL DEFAULT '', ADD COLUMN status_at timestamptz;

-- +goose Down
ALTER TABLE templates DROP COLUMN status_reason, DROP COLUMN status_at;
ALTER TABLE inbound DROP COLUMN content;
