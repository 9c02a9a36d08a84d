-- +goose Up
-- lock: templates, ACCESS EXCLUSIVE, catalogue

-- The quality that the provider last reported of a template (green, yellow, red),
-- and when: campaigns that run pause on a bad one.
ALTER TABLE templates ADD COLUMN quality text NOT NULL DEFAULT '', ADD COLUMN quality_at timestamptz;

-- +goose Down
ALTER TABLE templates DROP COLUMN quality, DROP COLUMN quality_at;
