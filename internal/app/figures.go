package app

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/sendoff/sendoff/internal/store/operate"
)

// metricsOnAPI returns the handler of /metrics on the API's address, or nil if it is
// not served there.
func (p *parts) metricsOnAPI() http.Handler {
	h := p.metrics.Handler()
	switch token := string(p.cfg.MetricsToken); {
	case p.cfg.MetricsOpen:
		return h
	case token != "":
		return bearer(token, h)
	}
	return nil
}

// bearer serves h to who sends token.
func bearer(token string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "the token of SENDOFF_METRICS_TOKEN is required", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// listenMetrics serves /metrics on an address of its own, if one is set.
func (p *parts) listenMetrics() error {
	if p.cfg.MetricsListen == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	_, err := p.listen("metrics", string(p.cfg.MetricsListen), mux)
	return err
}

const (
	figuresEvery = 5 * time.Second
	busyFrom     = 5 * time.Millisecond // a channel whose next slot is later sends at its rate
	knowEvery    = 12                   // figures: new channels get their series
	aheadEvery   = time.Minute          // partitions are looked for
	mostChannels = 200                  // with series from the start; those of others appear with their first message
)

// figures keeps the age of the oldest message that nothing but capacity holds back,
// and which channels send nothing, and adds the series of channels before their first
// message.
func (p *parts) figures(st *operate.Store) func(context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(figuresEvery)
		defer tick.Stop()
		for n := 0; ; n++ {
			if n%knowEvery == 0 {
				p.knowChannels(ctx)
			}
			if err := p.measure(ctx, st); err != nil && ctx.Err() == nil {
				p.log.Debug("figures not read", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

func (p *parts) measure(ctx context.Context, st *operate.Store) error {
	ctx, cancel := context.WithTimeout(ctx, figuresEvery)
	defer cancel()
	oldest, err := p.dispatchable(ctx, st)
	if err != nil {
		return err
	}
	p.metrics.Dispatchable(oldest)
	held, err := st.Held(ctx)
	if err != nil {
		return err
	}
	states := make(map[int64]string, len(held))
	for _, h := range held {
		states[h.ID] = h.State
	}
	p.metrics.Held(states)
	return nil
}

// partitions measures for how long there are partitions, in every process: also while
// the job that makes them fails, or no worker runs.
func (p *parts) partitions(ctx context.Context) {
	tick := time.NewTicker(aheadEvery)
	defer tick.Stop()
	for {
		p.lookAhead(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *parts) lookAhead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, figuresEvery)
	defer cancel()
	if has, err := p.store.Partitions(ctx); err == nil {
		p.metrics.Partitions(has.Ahead)
	} else if ctx.Err() == nil {
		p.log.Debug("partitions not read", "error", err)
	}
}

// knowChannels adds the series of all channels, unless there are too many.
func (p *parts) knowChannels(ctx context.Context) {
	chs, err := p.accounts.Channels(ctx, 0)
	if err != nil || len(chs) > mostChannels {
		return
	}
	for i := range chs {
		p.metrics.Know(&chs[i])
	}
}

// dispatchable returns the age of the oldest message that only capacity holds back:
// a channel that sends as fast as it may is left out.
func (p *parts) dispatchable(ctx context.Context, st *operate.Store) (time.Duration, error) {
	waiting, err := st.Dispatchable(ctx)
	if err != nil {
		return 0, err
	}
	for _, w := range waiting { // oldest first
		ch, err := p.registry.Channel(ctx, w.Channel)
		if err != nil {
			continue
		}
		state, err := p.limits.State(ctx, ch.ID, ch.Policy.Rate)
		if err != nil || state.Booked < busyFrom {
			return w.Age(), nil
		}
	}
	return 0, nil
}
