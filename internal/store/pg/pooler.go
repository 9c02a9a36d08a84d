package pg

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// Pooler is what stands between us and Postgres.
type Pooler int32

// The poolers, by what they mean for us.
const (
	unasked    Pooler = iota
	NoPooler          // or one that keeps a connection for a whole session: statements stay prepared
	KeepsNames        // a transaction pooler that knows named statements, as PgBouncer from 1.21 on
	LosesNames        // a transaction pooler that mixes up named statements of its clients
)

// String describes the pooler for the doctor command.
func (p Pooler) String() string {
	switch p {
	case NoPooler:
		return "none, or one in session mode"
	case KeepsNames:
		return "in transaction mode, keeps prepared statements"
	}
	return "in transaction mode, without prepared statements"
}

// A probe that fails is repeated after a while.
const (
	probeTimeout = time.Second
	probeEvery   = 10 * time.Second
)

// pooler remembers the answer of the probe.
type pooler struct {
	connector *connector
	kind      atomic.Int32
	asking    sync.Mutex
	again     time.Time // not before it is a failed probe repeated
}

// Pooler finds out what stands between us and Postgres.
func (d *DB) Pooler(ctx context.Context) Pooler { return d.prepared.pooler.ask(ctx) }

// SettingsRefused reports whether connections lack Settings because the server
// refuses them as start-up parameters.
func (d *DB) SettingsRefused() bool { return d.connector.refused.Load() }

// ask returns what stands in between. While that is not known, for instance
// since a small pool has no second connection free, it is LosesNames, which is
// right everywhere.
func (p *pooler) ask(ctx context.Context) Pooler {
	if k := Pooler(p.kind.Load()); k != unasked {
		return k
	}
	if !p.asking.TryLock() {
		return LosesNames
	}
	defer p.asking.Unlock()
	if time.Now().Before(p.again) {
		return LosesNames
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	k, err := probe(ctx, p.connector)
	if err != nil {
		p.again = time.Now().Add(probeEvery)
		return LosesNames
	}
	p.kind.Store(int32(k))
	p.connector.pooled.Store(k == LosesNames)
	return k
}

// probe opens two transactions at the same time on two connections and compares
// the server processes that serve each connection before and after. A pooler
// hands out the server connection that was returned last, so that the first
// connection gets the second one's.
func probe(ctx context.Context, c *connector) (Pooler, error) {
	pool := sqlx.NewDb(sql.OpenDB(c), "postgres") // of its own: all connections of ours may be in use
	defer func() { _ = pool.Close() }()
	a, err := pool.Connx(ctx)
	if err != nil {
		return unasked, err
	}
	defer func() { _ = a.Close() }()
	b, err := pool.Connx(ctx)
	if err != nil {
		return unasked, err
	}
	defer func() { _ = b.Close() }()
	for range 3 {
		before, err := overlapping(ctx, a, b)
		if err != nil {
			return unasked, err
		}
		var after int
		if err := a.GetContext(ctx, &after, "SELECT pg_backend_pid()"); err != nil {
			return unasked, err
		}
		if after != before {
			return named(ctx, a)
		}
	}
	return NoPooler, nil
}

// overlapping runs a transaction on a, and one on b that begins before and ends
// after the other's end. It returns the process id of a's server connection.
func overlapping(ctx context.Context, a, b *sqlx.Conn) (pid int, err error) {
	ta, err := a.BeginTxx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = ta.Rollback() }()
	if err := ta.GetContext(ctx, &pid, "SELECT pg_backend_pid()"); err != nil {
		return 0, err
	}
	tb, err := b.BeginTxx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tb.Rollback() }()
	var other int
	if err := tb.GetContext(ctx, &other, "SELECT pg_backend_pid()"); err != nil {
		return 0, err
	}
	if err := ta.Commit(); err != nil {
		return 0, err
	}
	return pid, tb.Commit()
}

// named reports, by the name of a statement on the server, whether
// the pooler keeps the names of its clients apart: PgBouncer from 1.21 on gives
// each statement a name of its own.
func named(ctx context.Context, c *sqlx.Conn) (Pooler, error) {
	st, err := c.PreparexContext(ctx, `SELECT name FROM pg_prepared_statements
		WHERE statement LIKE 'SELECT name FROM pg_prepared_statements%'`)
	if err != nil {
		return LosesNames, nil //nolint:nilerr // a clash of names is the answer
	}
	defer func() { _ = st.Close() }()
	var names []string
	if err := st.SelectContext(ctx, &names); err != nil {
		return LosesNames, nil //nolint:nilerr // likewise
	}
	for _, n := range names {
		if !strings.HasPrefix(n, "PGBOUNCER_") {
			return LosesNames, nil
		}
	}
	return KeepsNames, nil
}
