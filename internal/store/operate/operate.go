// Package operate reads what an operator or a waiting client needs about
// a running installation.
package operate

import (
	"context"

	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads the database.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db} }

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(pg.Numbers{"ready": store.StateReady})

var sqlPressure = numbers.SQL(`
SELECT (SELECT count(*) FROM instances WHERE role = 'work' AND seen_at > now() - interval '20 seconds') AS workers,
  (SELECT count(*) FROM (SELECT 1 FROM dispatch WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = $1
    AND state = {ready}
    AND due_at <= now() LIMIT $2) x) + (SELECT coalesce(sum(n), 0) FROM (SELECT n FROM backlog
      WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = $1 LIMIT $2) x) AS due`)

// Pressure returns the number of live workers, and of messages that are due on
// the channel, at most limit.
func (s *Store) Pressure(ctx context.Context, channel int64, limit int) (workers, due int, err error) {
	err = s.db.QueryRowxContext(ctx, sqlPressure, channel, limit).Scan(&workers, &due)
	return workers, min(due, limit), pg.Wrap("count what waits on a channel", err)
}
