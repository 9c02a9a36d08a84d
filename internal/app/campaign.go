package app

import (
	"context"

	"github.com/sendoff/sendoff/internal/admin/campaigns"
	"github.com/sendoff/sendoff/internal/runner"
	"github.com/sendoff/sendoff/internal/store/account"
	campaignstore "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// campaignStore is the database as packages run and campaigns see it.
type campaignStore struct {
	*campaignstore.Store
	accounts *account.Store
}

func newCampaignStore(db *pg.DB) campaignStore {
	return campaignStore{campaignstore.New(db), account.New(db)}
}

// Tx implements runner.Store.
func (s campaignStore) Tx(ctx context.Context, f func(runner.Tx) error) error {
	return s.Store.Tx(ctx, func(tx *campaignstore.Store) error { return f(tx) })
}

// Change implements campaigns.Store.
func (s campaignStore) Change(ctx context.Context, actor string, f func(campaigns.Tx) (account.Note, error)) error {
	return s.accounts.Change(ctx, actor, func(tx *account.Store) (account.Note, error) { return f(campaignstore.New(tx.Tx())) })
}

// campaigns returns the use cases of campaigns.
func (p *parts) campaigns() *campaigns.Service {
	return campaigns.New(campaigns.Options{Store: newCampaignStore(p.db), Registry: p.registry})
}

// charges reports whether an account pays for its messages.
func (p *parts) charges(ctx context.Context, id int64) (bool, error) {
	a, err := p.registry.Account(ctx, id)
	return a.Credits, err
}
