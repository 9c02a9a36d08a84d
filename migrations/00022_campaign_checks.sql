-- +goose Up

-- The last validation of each campaign: null while it runs.
CREATE TABLE campaign_validations (
  campaign_id bigint PRIMARY KEY REFERENCES campaigns ON DELETE CASCADE,
  result      text,
  started_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);

-- What a person has had of campaigns, for their caps.
CREATE INDEX campaign_recipients_had ON campaign_recipients (person, message_id) WHERE message_id IS NOT NULL AND person IS NOT NULL;

-- +goose Down
DROP INDEX campaign_recipients_had;
DROP TABLE campaign_validations;
