package store

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jmoiron/sqlx"
)

// hotStatements are prepared once and kept: planning the accept statement costs
// more than running it for a small page. They run with generic plans
// (plan_cache_mode), which for lookups by id are the right ones. Behind
// PgBouncer in transaction mode this needs its max_prepared_statements (1.21).
type hotStatements struct {
	db *sqlx.DB
	m  sync.Map // query → *sqlx.Stmt
}

func (h *hotStatements) get(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if st, ok := h.m.Load(query); ok {
		return st.(*sqlx.Stmt), nil
	}
	st, err := h.db.PreparexContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if old, raced := h.m.LoadOrStore(query, st); raced {
		_ = st.Close() // the other one serves
		return old.(*sqlx.Stmt), nil
	}
	return st, nil
}

// in gives the statement for q: the pool or a transaction.
func (h *hotStatements) in(ctx context.Context, q querier, query string) (*sqlx.Stmt, error) {
	st, err := h.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if tx, ok := q.(*sqlx.Tx); ok {
		return tx.StmtxContext(ctx, st), nil
	}
	return st, nil
}

// hotSelect runs a kept statement for its rows.
func (s *Store) hotSelect(ctx context.Context, q querier, dest any, query string, args ...any) error {
	st, err := s.hot.in(ctx, q, query)
	if err != nil {
		return err
	}
	return st.SelectContext(ctx, dest, args...)
}

// hotExec runs a kept statement for its effect.
func (s *Store) hotExec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := s.hot.get(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}
