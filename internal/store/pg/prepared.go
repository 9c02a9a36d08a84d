package pg

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jmoiron/sqlx"
)

// prepared keeps statements that were prepared once: planning the accept
// statement costs more than running it for a small page. They run with generic
// plans (plan_cache_mode), which are the right ones for lookups by id. Behind a
// pooler that loses names they run unprepared.
type prepared struct {
	pooler
	pool *sqlx.DB
	m    sync.Map // query → *sqlx.Stmt
}

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

// statement returns the prepared statement, bound to the transaction if there
// is one, or nil if it must run unprepared.
func (d *DB) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if d.prepared.ask(ctx) == LosesNames {
		return nil, nil
	}
	st, err := d.prepared.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if d.InTx() {
		return d.tx.StmtxContext(ctx, st), nil
	}
	return st, nil
}

// SelectPrepared runs a prepared statement and scans its rows into dest.
func (d *DB) SelectPrepared(ctx context.Context, dest any, query string, args ...any) error {
	st, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	if st == nil {
		return d.SelectContext(ctx, dest, query, args...)
	}
	return st.SelectContext(ctx, dest, args...)
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
