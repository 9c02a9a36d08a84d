-- +goose Up
-- lock: none

-- What changes of campaign_counts are to be added to it: whoever moves rows of a
-- ledger inserts here, which waits for nobody, and whoever holds the campaign's row
-- adds them up. A campaign's counts are both together.
CREATE TABLE campaign_changes (
  campaign_id bigint NOT NULL,
  status      smallint NOT NULL,
  reason      smallint NOT NULL,
  n           bigint NOT NULL,
  at          timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX campaign_changes_campaign ON campaign_changes (campaign_id);

-- +goose Down
INSERT INTO campaign_counts AS n (campaign_id, status, reason, n, changed_at)
SELECT campaign_id, status, reason, sum(n), max(at) FROM campaign_changes GROUP BY 1, 2, 3
ON CONFLICT (campaign_id, status, reason) DO UPDATE SET n = n.n + excluded.n, changed_at = greatest(n.changed_at, excluded.changed_at);
DROP TABLE campaign_changes;
