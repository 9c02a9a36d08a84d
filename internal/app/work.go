package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/eraser"
	"github.com/sendoff/sendoff/internal/health"
	"github.com/sendoff/sendoff/internal/importer"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/pruner"
	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/runner"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
	"github.com/sendoff/sendoff/internal/store/callback"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/retention"
	"github.com/sendoff/sendoff/internal/version"
	"github.com/sendoff/sendoff/internal/webhook"
	"github.com/sendoff/sendoff/worker"
	"github.com/sendoff/sendoff/worker/feeder"
)

// Work starts a worker. addr serves health and metrics; empty: nowhere. public
// is how providers reach serve.
func Work(cfg *config.Config, addr, public string, log *slog.Logger) (*Running, error) {
	p, err := newParts(cfg, "work", public, log)
	if err != nil {
		return nil, err
	}
	p.stopTime += cfg.ShutdownGrace
	if cfg.EmulatorURL == "" {
		if err := p.ownEmulator(); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	p.background("registry", time.Second, p.registry.Run)
	p.background("heartbeat", time.Second, p.heartbeat("work"))
	p.background("partitions", time.Second, p.partitions)
	p.watch()
	p.background("figures", time.Second, p.figures(operate.New(p.db)))
	acc := p.newAccept()
	calls := webhook.Options{Store: p.webhooks, Log: log, Observer: p.metrics, AllowLoopback: cfg.WebhookLocal}
	runs := runner.Options{Store: newCampaignStore(p.db), Registry: p.registry, Charges: p.charges, Log: log}
	if p.tracer != nil {
		calls.Tracer, runs.Tracer = p.tracer, p.tracer
	}
	hooks := webhook.New(calls)
	p.background("webhook figures", time.Second, hooks.Watch)
	budget := limit.NewRetryBudget()
	budget.Most = p.retryCap
	campaigns := runner.New(runs)
	sends := worker.Options{
		Store: p.store, Registry: p.registry, Limits: p.limits, Budget: budget, Providers: p.providers, Observer: p.metrics, Log: log,
		Target: p.target, Grace: cfg.ShutdownGrace, Campaigns: campaigns, Templates: callback.New(p.db),
	}
	if p.tracer != nil {
		sends.Tracer = p.tracer
	}
	w := worker.New(sends)
	f := feeder.New(feeder.Options{
		Store: p.store, Accounts: p.accounts, Registry: p.registry, Limits: p.limits, Queue: p.queue, Worker: w, Providers: p.providers,
		Observer: p.metrics, Ignored: callback.New(p.db), Log: log,
		Target: p.target, Webhooks: hooks,
		SendFallback: func(ctx context.Context, f store.Fallback) error { return sendFallback(ctx, p, acc, f) },
	})
	p.onStop("open calls", cfg.ShutdownGrace+5*time.Second, w.Stop)
	srv := queue.Start(queue.ServerOptions{
		Redis: p.redis, Installation: p.installation.queues, Handle: w.Page,
		Grace: 3 * time.Second, Log: log,
	})
	p.onStop("queue", 5*time.Second, func(context.Context) error { srv.Shutdown(); return nil })
	p.background("feeder", 3*time.Second, f.Run)
	p.background("campaigns", 3*time.Second, campaigns.Run)
	p.background("imports", 5*time.Second, importer.New(audience.New(p.db), log).Run)
	p.background("erasures", 5*time.Second, (&eraser.Eraser{Store: erasure.New(p.db), Cancel: p.store.CancelAll, Log: log}).Run)
	p.background("retention", 5*time.Second, (&pruner.Pruner{Store: retention.New(p.db), Take: p.store.TakeJob, Log: log}).Run)
	p.background("archive", time.Second, p.pruneDaily)
	p.onStop("fetching", time.Second, func(context.Context) error { srv.Stop(); return nil })
	r := &Running{stop: p.finish("work", w.Open)}
	if addr != "" {
		if r.Addr, err = p.listen("health", addr, p.health()); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	log.Info("started", "role", "work", "version", version.Version(), "health", r.Addr)
	return r, nil
}

// ownEmulator runs an emulator in this process for messages of test keys.
func (p *parts) ownEmulator() error {
	em := emulator.New(emulator.Options{})
	addr, err := p.listen("emulator", "127.0.0.1:0", em)
	if err != nil {
		return err
	}
	p.onStop("emulator callbacks", 2*time.Second, em.Close)
	p.tests.emulatorURL = func() string { return "http://" + addr }
	p.tests.register = func(ch *dispatch.Channel) error { em.Register(ch); return nil }
	return nil
}

// retryCap is how many retries a channel may save up: what it sends in one
// second, at least 100.
func (p *parts) retryCap(channel int64) float64 {
	ch, err := p.registry.Channel(context.Background(), channel)
	if err != nil {
		return 100
	}
	return max(100, ch.Policy.Rate)
}

// heartbeat notes every five seconds that this process is alive.
func (p *parts) heartbeat(role string) func(context.Context) {
	id := uuid.New()
	host, _ := os.Hostname()
	return func(ctx context.Context) {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			if err := p.store.Heartbeat(ctx, id.String(), role, host); err != nil && ctx.Err() == nil {
				p.log.Debug("heartbeat failed", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

func (p *parts) pruneDaily(ctx context.Context) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := p.queue.Prune(ctx); err != nil {
				p.log.Warn("queue archive not cleared", "error", err)
			}
		}
	}
}

// health is what a worker serves: it is ready when Postgres answers.
func (p *parts) health() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) })
	mux.Handle("GET /readyz", health.Ready(p.checkPostgres, p.checkRedis, p.secrets.check))
	return mux
}

// sendFallback accepts the next entry of a message's fallback as its child. An
// entry that can't be sent any more is passed over.
func sendFallback(ctx context.Context, p *parts, acc *accept.Service, f store.Fallback) error {
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(f.Entries), &entries); err != nil {
		return nil // nothing that a repeat would mend
	}
	from, err := p.registry.Account(ctx, f.Account)
	if err != nil {
		return fmt.Errorf("fallback: %w", err)
	}
	who := &accept.Caller{Account: from, Key: account.Key{ID: f.Key, Account: f.Account, Test: f.Test}, Permissions: auth.AllPermissions}
	for i, raw := range entries {
		d, err := native.Decode(raw)
		if err != nil {
			continue
		}
		if d.To == "" {
			d.To = f.To
		}
		if d.Reference == "" && f.Reference != nil {
			d.Reference = *f.Reference
		}
		d.Fallback, d.Parent = entries[i+1:], f.ID
		err = acc.Accept(ctx, who, []dispatch.Draft{d}, 0)[0].Err
		switch dispatch.CodeOf(err) {
		case dispatch.Overloaded, dispatch.OutcomeUnknown, dispatch.Internal:
			if err != nil {
				return err
			}
		}
		if err == nil || dispatch.CodeOf(err) == dispatch.Conflict {
			return nil
		}
		p.log.Warn("fallback entry passed over", "message_id", f.ID, "entry", i, "error", err)
	}
	return nil
}
