package pg

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// prepared keeps statements that were prepared once: planning the accept
// statement costs more than running it for a small page. They run with generic
// plans (plan_cache_mode), which are the right ones for lookups by id. Behind a
// pooler that loses names they run unprepared.
type prepared struct {
	pooler
	pool  *sqlx.DB
	m     sync.Map // query → *sqlx.Stmt
	later sync.Map // query → true while it is prepared for the next use
}

// prepareTimeout bounds a preparation outside a request.
const prepareTimeout = 10 * time.Second

func (p *prepared) get(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if st, ok := p.m.Load(query); ok {
		return st.(*sqlx.Stmt), nil
	}
	st, err := p.pool.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if first, raced := p.m.LoadOrStore(query, st); raced {
		_ = st.Close() // the first one is used
		return first.(*sqlx.Stmt), nil
	}
	return st, nil
}

// find returns the statement if it is prepared, else nil, and prepares it for the
// next use.
func (p *prepared) find(query string) *sqlx.Stmt {
	if st, ok := p.m.Load(query); ok {
		return st.(*sqlx.Stmt)
	}
	if _, running := p.later.LoadOrStore(query, true); !running {
		go func() {
			defer p.later.Delete(query)
			ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
			defer cancel()
			_, _ = p.get(ctx, query) // the next use tries again
		}()
	}
	return nil
}

// statement returns the prepared statement, bound to the transaction if there
// is one, or nil if it must run unprepared. A transaction never waits for a second
// connection: were all connections in transactions that do, none would go on.
func (d *DB) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if d.prepared.ask(ctx) == LosesNames {
		return nil, nil
	}
	if !d.InTx() {
		return d.prepared.get(ctx, query)
	}
	if st := d.prepared.find(query); st != nil {
		return d.tx.StmtxContext(ctx, st), nil
	}
	return nil, nil
}

// SelectPrepared runs a prepared statement and scans its rows into dest.
func (d *DB) SelectPrepared(ctx context.Context, dest any, query string, args ...any) error {
	d = d.of(ctx)
	st, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	if st == nil {
		return d.SelectContext(ctx, dest, query, args...)
	}
	return st.SelectContext(ctx, dest, args...)
}

// GetPrepared runs a prepared statement and scans its only row into dest.
func (d *DB) GetPrepared(ctx context.Context, dest any, query string, args ...any) error {
	d = d.of(ctx)
	st, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	if st == nil {
		return d.GetContext(ctx, dest, query, args...)
	}
	return st.GetContext(ctx, dest, args...)
}

// EachPrepared runs a prepared statement and calls scan for each of its rows: for hot
// statements, whose rows SelectPrepared would scan by reflection.
func (d *DB) EachPrepared(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	d = d.of(ctx)
	st, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	var rows *sql.Rows
	if st == nil {
		rows, err = d.QueryContext(ctx, query, args...)
	} else {
		rows, err = st.QueryContext(ctx, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ExecPrepared runs a prepared statement that returns no rows.
func (d *DB) ExecPrepared(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := d.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return d.ExecContext(ctx, query, args...)
	}
	return st.ExecContext(ctx, args...)
}
