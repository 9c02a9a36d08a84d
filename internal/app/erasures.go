package app

import (
	"context"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/erasures"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/erasure"
)

// erasureStore implements erasures.Store.
type erasureStore struct {
	*erasure.Store
	admin.KnownIDs
	accounts *account.Store
}

// Change implements erasures.Store.
func (s erasureStore) Change(ctx context.Context, actor string, f func(erasures.Tx) (account.Note, error)) error {
	return s.accounts.Change(ctx, actor, func(tx *account.Store) (account.Note, error) { return f(erasure.New(tx.Tx())) })
}

// erasures returns the use cases of erasing persons.
func (p *parts) erasures() *erasures.Service {
	return erasures.New(erasureStore{erasure.New(p.db), p.store, account.New(p.db)})
}
