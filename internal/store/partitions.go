package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlAbsent names the weeks' partitions as ensure_partitions does, of this week and the
// three after it, and returns those that are not there, or not attached.
const sqlAbsent = `
SELECT p.name, extract(epoch FROM greatest(w.starts - now(), interval '0'))::float8 AS in_s
FROM unnest(ARRAY['messages', 'attempts', 'events', 'idempotency']) AS k(parent)
CROSS JOIN generate_series(0, 3) AS n(week)
CROSS JOIN LATERAL (SELECT (date_trunc('week', now() AT TIME ZONE 'utc') + n.week * interval '7 days') AT TIME ZONE 'utc' AS starts) w
CROSS JOIN LATERAL (SELECT k.parent || '_w' || to_char(w.starts AT TIME ZONE 'utc', 'IYYYIW') AS name) p
WHERE NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(p.name) AND inhparent = k.parent::regclass) ORDER BY 2, 1`

// Partitions is how far ahead the tables have partitions.
type Partitions struct {
	Ahead   time.Duration // until the first week that lacks one, at most three weeks or so
	Missing []string      // of this week and the next
}

// EnoughAhead is what Partitions.Ahead is at least, while they are made in time.
const EnoughAhead = 7 * 24 * time.Hour

// Partitions looks for the partitions of the coming weeks. It reads the catalogue only.
func (s *Store) Partitions(ctx context.Context) (Partitions, error) {
	var absent []struct {
		Name string  `db:"name"`
		In   float64 `db:"in_s"`
	}
	if err := s.db.SelectContext(ctx, &absent, sqlAbsent); err != nil {
		return Partitions{}, pg.Wrap("look for partitions", err)
	}
	p := Partitions{Ahead: 3 * EnoughAhead}
	for i, a := range absent {
		in := time.Duration(a.In * float64(time.Second))
		if i == 0 {
			p.Ahead = in
		}
		if in < EnoughAhead {
			p.Missing = append(p.Missing, a.Name)
		}
	}
	return p, nil
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

// A partition whose table is busy is tried again so often.
const (
	partitionTries = 40
	partitionPause = 500 * time.Millisecond
)

// EnsurePartitions makes the partitions of the coming two weeks, each in a transaction
// of its own. It returns an error if one could not be made: its rows have come already,
// or somebody holds its table.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	for tries := 0; ; {
		var made int
		err := s.db.GetContext(ctx, &made, `SELECT ensure_partitions('14 days', 1)`)
		switch {
		case err == nil && made == 0:
			return s.allMade(ctx)
		case err == nil:
			continue
		case !pg.Busy(err) || tries == partitionTries:
			return pg.Wrap("make partitions", err)
		}
		tries++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(partitionPause):
		}
	}
}

func (s *Store) allMade(ctx context.Context) error {
	p, err := s.Partitions(ctx)
	if err == nil && len(p.Missing) > 0 {
		err = fmt.Errorf("missing: %s; their rows go to the default partitions, see sendoff doctor", strings.Join(p.Missing, ", "))
	}
	return err
}
