-- +goose Up

-- What a contact sent, in one form for every provider (JSON); empty: received by
-- an older process.
ALTER TABLE inbound ADD COLUMN content text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE inbound DROP COLUMN content;
