// Package store holds the SQL of a message's way: accept, claim, outcome, callbacks;
// the packages below it hold all other SQL. Postgres is the truth: every write here
// may run twice (lib/pq repeats an autocommit statement after a lost connection) and
// is idempotent by construction, or runs in a transaction.
package store

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes the database; what is stored of people is embedded.
type Store struct {
	*people.People
	db  *pg.DB
	now func() time.Time // decides when midnight is near; Postgres' clock decides all else
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{People: people.New(db), db: db, now: time.Now} }

// In returns a Store whose statements run in the transaction tx.
func (s *Store) In(tx *pg.DB) *Store {
	in := *s
	in.db, in.People = tx, people.New(tx)
	return &in
}

// Heartbeat notes that a process is alive.
func (s *Store) Heartbeat(ctx context.Context, id, role, host string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO instances (id, role, host) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE
	  SET seen_at = now()`, id, role, host)
	if err != nil {
		return pg.Wrap("heartbeat", err)
	}
	_, err = s.db.ExecContext(ctx, `DELETE FROM instances WHERE seen_at < now() - interval '1 hour'`)
	return pg.Wrap("forget old processes", err)
}

// CountInstances returns the number of live processes of a role, at least one.
func (s *Store) CountInstances(ctx context.Context, role string) int {
	n := 1
	if err := s.db.GetContext(ctx, &n, `SELECT greatest(count(*), 1) FROM instances
	  WHERE role = $1 AND seen_at > now() - interval '20 seconds'`, role); err != nil {
		return 1
	}
	return n
}

// The states of a row of dispatch.
const (
	stateReady     = 0
	stateClaimed   = 1 // a worker may be calling the provider
	stateResolving = 2 // the outcome of a call is unknown: a callback may settle it
	stateHeld      = 3 // its campaign is paused
)

// StateReady is the state of a row of dispatch that waits to be sent.
const StateReady = stateReady

// Whether a message was paid for.
const (
	chargePaid     = 1
	chargeRefunded = 2
)

// States are the numbers of the states of a row of dispatch.
var States = pg.Numbers{"ready": stateReady, "claimed": stateClaimed, "resolving": stateResolving, "held": stateHeld}

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(States).Merge(pg.Numbers{
	"paid": chargePaid, "refunded": chargeRefunded,
	"horizon_min":     int(horizon / time.Minute),
	"result_accepted": int(ResultAccepted), "result_doubtful": int(ResultDoubtful), "result_unknown": int(ResultUnknown),
})
