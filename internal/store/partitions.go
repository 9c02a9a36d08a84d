package store

import (
	"context"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlMissingPartitions names the weeks' partitions as ensure_partitions does.
const sqlMissingPartitions = `
SELECT p.name FROM unnest(ARRAY['messages', 'attempts', 'events', 'idempotency']) AS k(parent)
CROSS JOIN unnest(ARRAY[now(), now() + interval '7 days']) AS t(at)
CROSS JOIN LATERAL (SELECT k.parent || '_w' || to_char(t.at AT TIME ZONE 'utc', 'IYYYIW') AS name) p
WHERE to_regclass(p.name) IS NULL ORDER BY 1`

// MissingPartitions names the partitions of this week and the next that aren't
// there.
func (s *Store) MissingPartitions(ctx context.Context) ([]string, error) {
	var out []string
	err := s.db.SelectContext(ctx, &out, sqlMissingPartitions)
	return out, pg.Wrap("look for partitions", err)
}

const sqlStrays = `
SELECT array_remove(ARRAY[
  CASE WHEN EXISTS (SELECT 1 FROM messages_default) THEN 'messages_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM attempts_default) THEN 'attempts_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM events_default) THEN 'events_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM idempotency_default) THEN 'idempotency_default' END], NULL)`

// Strays names the default partitions that hold rows: those came when their
// week's partition was missing, and keep it from being made.
func (s *Store) Strays(ctx context.Context) ([]string, error) {
	var out pq.StringArray
	err := s.db.GetContext(ctx, &out, sqlStrays)
	return out, pg.Wrap("look into default partitions", err)
}

// EnsurePartitions makes the partitions of the coming two weeks.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `SELECT ensure_partitions()`)
	return pg.Wrap("make partitions", err)
}
