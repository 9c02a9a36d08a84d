-- +goose Up

-- The last validation of each campaign: null while it runs.
CREATE TABLE campaign_validations (
  campaign_id bigint PRIMARY KEY REFERENCES campaigns ON DELETE CASCADE,
  result      text,
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);

-- +goose Down
DROP TABLE campaign_validations;
