package pg

import (
	"cmp"
	"context"

	"github.com/jmoiron/sqlx"
)

type readingKey struct{}

// Reading returns a context whose reads outside transactions run on the readers of a
// DB that has some: what people look at waits for those connections, and takes none
// from the messages.
func Reading(ctx context.Context) context.Context { return context.WithValue(ctx, readingKey{}, true) }

// Readers returns the pool of the readers, or d if there is none.
func (d *DB) Readers() *DB { return cmp.Or(d.readers, d) }

// of returns the pool, or the transaction, for a read of ctx.
func (d *DB) of(ctx context.Context) *DB {
	if d.readers != nil && ctx.Value(readingKey{}) != nil {
		return d.readers
	}
	return d
}

// SelectContext reads rows into dest.
func (d *DB) SelectContext(ctx context.Context, dest any, query string, args ...any) error {
	return d.of(ctx).querier.SelectContext(ctx, dest, query, args...)
}

// GetContext reads a row into dest.
func (d *DB) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	return d.of(ctx).querier.GetContext(ctx, dest, query, args...)
}

// QueryxContext returns rows.
func (d *DB) QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error) {
	return d.of(ctx).querier.QueryxContext(ctx, query, args...)
}

// QueryRowxContext returns a row.
func (d *DB) QueryRowxContext(ctx context.Context, query string, args ...any) *sqlx.Row {
	return d.of(ctx).querier.QueryRowxContext(ctx, query, args...)
}
