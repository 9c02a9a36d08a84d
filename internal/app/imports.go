package app

import (
	"context"

	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
	"github.com/sendoff/sendoff/internal/store/pg"
)

type audienceStore = audience.Store

// importTx is the database as package imports sees it.
type importTx struct {
	*audienceStore
	*account.Store
}

func newImportTx(db *pg.DB) importTx { return importTx{audience.New(db), account.New(db)} }

// importStore implements imports.Store.
type importStore struct{ importTx }

// Change implements imports.Store.
func (s importStore) Change(ctx context.Context, actor string, f func(imports.Tx) (account.Note, error)) error {
	return s.Store.Change(ctx, actor, func(tx *account.Store) (account.Note, error) { return f(newImportTx(tx.Tx())) })
}

// imports returns the use cases of imports.
func (p *parts) imports() *imports.Service { return imports.New(importStore{newImportTx(p.db)}) }
