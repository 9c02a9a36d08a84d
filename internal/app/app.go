// Package app connects the parts of a process: it alone uses their concrete types.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/front"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/logs"
	"github.com/sendoff/sendoff/internal/metrics"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/pg"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/trace"
	"github.com/sendoff/sendoff/migrations"
)

// parts are what serve and work have in common.
type parts struct {
	cfg       *config.Config
	log       *slog.Logger
	public    string
	db        *pg.DB
	store     *store.Store
	accounts  *account.Store
	webhooks  *hookstore.Store
	registry  *registry.Registry
	redis     redis.UniversalClient
	queue     *queue.Client
	metrics   *metrics.Metrics
	tracer    *trace.Tracer // nil: traces are off
	providers map[string]provider.Provider
	limits    *limit.Channels
	tests     *testChannels
	live      *liveChannels
	stops     []stop
	stopTime  time.Duration // for all of them

	installation *installed
	secrets      *sealedSecrets
}

// stop is one step of the way down.
type stop struct {
	name string
	most time.Duration
	do   func(context.Context) error
}

// onStop adds a step; the last one added is done first.
func (p *parts) onStop(name string, most time.Duration, do func(context.Context) error) {
	p.stops = append(p.stops, stop{name, most, do})
}

// serveStopTime is how long serve may take to stop, and work beside its open calls:
// servers that hang make several steps use up their time.
const serveStopTime = 10 * time.Second

// leastStep is what a step gets in any case.
const leastStep = 100 * time.Millisecond

// stop goes all steps, newest first, each within its time and all of them within
// stopTime.
func (p *parts) stop() error {
	var errs []error
	end := time.Now().Add(p.stopTime)
	for i := len(p.stops) - 1; i >= 0; i-- {
		s := p.stops[i]
		ctx, cancel := context.WithTimeout(context.Background(), max(leastStep, min(s.most, time.Until(end))))
		began := time.Now()
		err := s.do(ctx)
		cancel()
		p.log.Debug("stopped", "part", s.name, "ms", time.Since(began).Milliseconds())
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// newParts connects what both roles need. public is how providers reach serve.
func newParts(cfg *config.Config, role, public string, log *slog.Logger) (*parts, error) {
	box, err := pg.NewBox(cfg.SecretKeys()...)
	if err != nil {
		return nil, err
	}
	o := pg.Options{URL: string(cfg.PostgresURL), MaxConns: cfg.PostgresConns, Application: "sendoff-" + role, Box: box}
	if role == "serve" {
		o.Readers = dashboardConns
	}
	db, err := pg.Open(o)
	if err != nil {
		return nil, err
	}
	collectLessOften()
	p := &parts{
		cfg: cfg, log: log, public: public, db: db, store: store.New(db), accounts: account.New(db),
		webhooks: hookstore.New(db, store.ReadViews), metrics: metrics.New(), stopTime: serveStopTime,
	}
	p.installation, p.secrets = newInstalled(db), &sealedSecrets{find: operate.New(db).Unreadable}
	p.registry = registry.New(p.accounts, p.store, templateStyles(), log)
	p.onStop("postgres", 2*time.Second, func(context.Context) error { db.Close(); return nil })
	p.redis, err = queue.Open(string(cfg.RedisURL), 64)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.onStop("redis", 2*time.Second, func(context.Context) error { return p.redis.Close() })
	p.queue = queue.NewClient(p.redis, p.installation.id)
	out := calls(cfg.ProviderAllow)
	out.Trusted = func(addr string) bool { return addr == p.emulatorAddress() }
	p.providers = providers(outbound.New(out))
	p.limits = limit.NewChannels(p.redis, limit.ChannelOptions{
		Prefix: p.installation.prefix, Workers: p.workers, Lost: p.lostRedis, Local: func() { p.metrics.Local("channel") },
	})
	p.metrics.Pool(db.Stats)
	if err := p.startTraces(role); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.live = &liveChannels{callbackURL: p.callbackURL}
	p.tests = &testChannels{
		secret: []byte(cfg.SecretKeys()[0]), providers: p.providers, emulatorURL: func() string { return cfg.EmulatorURL },
		callbackURL: p.callbackURL, log: log,
	}
	p.tests.register = func(ch *dispatch.Channel) error { return RegisterAt(cfg.EmulatorURL, "", ch) }
	return p, nil
}

// checkPostgres returns an error if Postgres does not answer, takes no writes or
// lacks tables or migrations of this binary.
func (p *parts) checkPostgres(ctx context.Context) error {
	if err := p.db.Ping(ctx); err != nil {
		return err
	}
	return migrations.Check(ctx, p.db)
}

func (p *parts) checkRedis(ctx context.Context) error { return queue.Check(ctx, p.redis) }

func (p *parts) lostRedis(err error) { p.log.Debug("limits are kept locally", "error", err) }

// watch logs when Postgres or Redis goes away and comes back.
func (p *parts) watch() {
	p.background("states", time.Second, func(ctx context.Context) {
		logs.Watch(ctx, p.log,
			&logs.State{Name: "postgres", Effect: "nothing is accepted or sent until it does", Check: p.checkPostgres},
			&logs.State{Name: "redis", Effect: "messages are accepted and sent all the same, a little later", Check: p.checkRedis},
			&logs.State{Name: "SENDOFF_SECRET_KEY", Effect: "what needs those secrets waits", Check: p.secrets.check})
	})
}

// finish stops everything and logs how many provider calls were still open.
func (p *parts) finish(role string, open func() int64) func() error {
	return func() error {
		err := p.stop()
		p.log.Info(fmt.Sprintf("stopped, %d calls open", open()), "role", role)
		return err
	}
}

// workers is how many worker processes share a channel's rate while Redis is
// away.
func (p *parts) workers() int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return p.store.CountInstances(ctx, "work")
}

// emulatorAddress returns host and port of the emulator that messages of test keys
// go to, which the operator chose.
func (p *parts) emulatorAddress() string {
	u, err := url.Parse(p.tests.emulatorURL())
	if err != nil || u.Host == "" {
		return ""
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	return net.JoinHostPort(u.Hostname(), port)
}

// callbackURL returns the address at which a channel's provider calls back.
func (p *parts) callbackURL(ch *dispatch.Channel) string { return callbackURL(p.public, ch) }

func callbackURL(public string, ch *dispatch.Channel) string {
	return public + "/callbacks/" + ch.Provider + "/" + ch.Key
}

// background runs f until the part stops.
func (p *parts) background(name string, most time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	p.onStop(name, most, func(wait context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-wait.Done():
			return wait.Err()
		}
	})
}

// newAccept makes the accept pipeline: of the front door, and of the worker for
// fallbacks.
func (p *parts) newAccept() *accept.Service {
	o := accept.Options{
		Store: p.store, Accounts: p.accounts, Registry: p.registry, Queue: p.queue, Providers: p.providers, Observer: p.metrics, Log: p.log,
		DecodeDraft: native.Read,
	}
	if p.tracer != nil {
		o.Tracer = p.tracer
	}
	s := accept.New(o)
	p.onStop("accept", 5*time.Second, s.Close)
	p.background("offers", 2*time.Second, s.Run)
	return s
}

// listen serves h on addr; the listener is bound before this returns.
func (p *parts) listen(name, addr string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	door := &front.Listener{Listener: l}
	srv := &http.Server{
		Handler: door.Closing(h), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	base, cancel := context.WithCancel(context.Background())
	srv.BaseContext = func(net.Listener) context.Context { return base }
	front.OneLength(srv)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := srv.Serve(door); err != nil && !errors.Is(err, http.ErrServerClosed) && !door.Leaving() {
			p.log.Error("server ended", "server", name, "error", err)
		}
	}()
	p.onStop(name, 5*time.Second, func(ctx context.Context) error {
		stopping := time.AfterFunc(time.Second, cancel) // ends streams and long polls
		defer stopping.Stop()
		defer cancel()
		door.Leave(ctx, served)
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
	return l.Addr().String(), nil
}
