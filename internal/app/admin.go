package app

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// Aliases, since embedded fields that are all named Store would clash.
type (
	hotStore  = store.Store
	hookStore = hookstore.Store
)

// adminTx is the database as package admin sees it within a change.
type adminTx struct {
	*account.Store
	*hotStore
	*hookStore
}

// adminStore is the database as package admin sees it.
type adminStore struct{ adminTx }

// newAdminStore returns the stores on db.
func newAdminStore(db *pg.DB) adminStore { return adminStore{newAdminTx(db)} }

func newAdminTx(db *pg.DB) adminTx {
	return adminTx{account.New(db), store.New(db), hookstore.New(db, nil)}
}

// Change implements admin.Store.
func (s adminStore) Change(ctx context.Context, actor string, f func(admin.Tx) (account.Note, error)) error {
	return s.Store.Change(ctx, actor, func(tx *account.Store) (account.Note, error) {
		return f(newAdminTx(tx.Tx()))
	})
}

// Admin returns the use cases of administration for the command line. public is
// the address at which providers reach the API, allow the networks that their own
// addresses may be in besides public ones.
func Admin(db *pg.DB, public string, allow config.Networks) *admin.Service {
	return admin.New(admin.Options{
		Store: newAdminStore(db), Providers: Providers(allow), ProviderAllow: allow, DecodeDraft: native.Decode,
		CallbackURL: func(ch *dispatch.Channel) string { return callbackURL(public, ch) },
	})
}

// admin returns the use cases of administration for the API.
func (p *parts) admin() *admin.Service {
	return admin.New(admin.Options{
		Store: newAdminStore(p.db), Providers: p.providers, Changed: p.registry.Drop, CallbackURL: p.callbackURL, Rates: p.rates,
		DecodeDraft:  native.Decode,
		WebhookLocal: p.cfg.WebhookLocal, ProviderAllow: p.cfg.ProviderAllow,
	})
}

// rates implements admin.Rates.
func (p *parts) rates(ctx context.Context, channel int64, configured float64) (effective float64, blockedUntil time.Time, err error) {
	st, err := p.limits.State(ctx, channel, configured)
	return st.EffectiveRate, st.BlockedUntil, err
}
