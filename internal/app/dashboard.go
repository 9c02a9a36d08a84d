package app

import (
	"crypto/sha256"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/session"
	"github.com/sendoff/sendoff/internal/admin/stats"
	"github.com/sendoff/sendoff/internal/api/dashboard"
	"github.com/sendoff/sendoff/internal/store/pg"
	sessionstore "github.com/sendoff/sendoff/internal/store/session"
	statstore "github.com/sendoff/sendoff/internal/store/stats"
)

// dashboardConns is the size of the dashboard's own pool: its reads wait for each
// other, and never for those of messages.
const dashboardConns = 4

// dashboard returns what the dashboard needs.
func (p *parts) dashboard(a *admin.Service) dashboard.Options {
	secret := sha256.Sum256([]byte("dashboard:" + p.cfg.SecretKeys()[0]))
	o := dashboard.Options{
		Sessions: session.New(sessionstore.New(p.db.Readers())), Accounts: p.registry, Keys: p.accounts, Messages: p.store,
		Stats: stats.New(statstore.New(p.db.Readers()), a), Admin: a, Secret: secret[:], PublicURL: p.public, Reads: pg.Reading,
	}
	if p.cfg.DashboardEmail != "" {
		o.Login = &dashboard.Login{Email: p.cfg.DashboardEmail, Password: string(p.cfg.DashboardPassword)}
	}
	return o
}
