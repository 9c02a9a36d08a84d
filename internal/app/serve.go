package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/gate"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store/callback"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/version"
)

// Running is a started role.
type Running struct {
	Addr string // where it listens; empty: nowhere
	stop func() error
}

// Stop ends the role: what it has accepted is finished or safe in Postgres.
func (r *Running) Stop() error { return r.stop() }

// Serve starts the front door on addr.
func Serve(cfg *config.Config, addr string, log *slog.Logger) (*Running, error) {
	return serve(cfg, addr, log, func(*api.Options, *accept.Service) {})
}

func serve(cfg *config.Config, addr string, log *slog.Logger, change func(*api.Options, *accept.Service)) (*Running, error) {
	p, err := newParts(cfg, "serve", cfg.Public(addr), log)
	if err != nil {
		return nil, err
	}
	p.background("registry", time.Second, p.registry.Run)
	p.background("heartbeat", time.Second, p.heartbeat("serve"))
	p.background("partitions", time.Second, p.partitions)
	p.watch()
	p.background("channels' series", time.Second, p.knowChannels)
	acc := p.newAccept()
	spender := limit.NewSpender(p.redis, limit.SpenderOptions{
		Prefix: p.installation.prefix, Days: p.accounts, Lost: p.lostRedis,
		Local: func() { p.metrics.Local("key") },
	})
	p.background("key counts", 3*time.Second, func(ctx context.Context) {
		spender.Run(ctx, func(err error) { log.Warn("daily counts not written yet", "error", err) })
	})
	acc.Recipients = spender
	callbacks := callback.New(p.db)
	options := api.Options{
		Store: p.store, Ignored: callbacks, Reports: callbacks, Calls: p.accounts, Registry: p.registry, Accept: acc, Limits: spender,
		Admin: p.admin(), Campaigns: p.campaigns(), Imports: p.imports(), Erasures: p.erasures(),
		Providers: p.providers, Specs: Specs(), Dialects: dialects(),
		Observer: p.metrics, Metrics: p.metricsOnAPI(), Log: log, PublicURL: p.public, TestChannel: p.tests.of,
		Gates:        gate.New(p.registry, operate.New(p.db), p.rates),
		PingPostgres: p.checkPostgres, PingRedis: p.checkRedis, CheckSecrets: p.secrets.check,
	}
	options.Dashboard = p.dashboard(options.Admin)
	change(&options, acc)
	srv := api.New(options)
	p.background("front door", 2*time.Second, srv.Run)
	p.onStop("batches", 5*time.Second, srv.Close)
	handler := srv.Handler()
	if p.tracer != nil {
		handler = p.tracer.Handler(handler)
	}
	bound, err := p.listen("front door", addr, handler)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if err := p.listenMetrics(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.onStop("streams", time.Second, func(context.Context) error {
		srv.Drain()
		acc.StopWaiting()
		return nil
	})
	log.Info("started", "role", "serve", "version", version.Version(), "address", bound, "public_url", p.public)
	return &Running{Addr: bound, stop: p.finish("serve", func() int64 { return 0 })}, nil
}
