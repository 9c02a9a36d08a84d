package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/devstack"
)

// measureFeatures accepts free-form texts through a key with limits, with the
// conversation window enforced and from an account that pays, against a front
// door without limits, a channel that leaves the window to the provider and an
// account without credits. The two take turns, so that a noisy machine disturbs
// both.
func measureFeatures(ctx context.Context, s *stage) error {
	const rounds = 16 // short ones: the machine changes its speed
	d := s.seconds(4, 40) / rounds / 2
	most := int(d.Seconds()*rounds*2+1) * 50_000 // more than any machine accepts
	s.stopWork()
	bare, err := s.tenant(ctx, "Bare", false)
	if err != nil {
		return err
	}
	full, err := s.tenant(ctx, "Full", true)
	if err != nil {
		return err
	}
	if err := s.openWindows(ctx, full.channel, most); err != nil {
		return err
	}
	addr, err := devstack.FreeAddress()
	if err != nil {
		return err
	}
	cmd, err := s.spawn("bench", "--raw-serve", addr)
	if err != nil {
		return err
	}
	defer s.end(cmd)
	if err := s.ready(ctx, "http://"+addr); err != nil {
		return err
	}
	var without, with load
	for range rounds {
		if err := s.texts(ctx, "http://"+addr, bare, d, &without); err != nil {
			return err
		}
		if err := s.texts(ctx, s.base, full, d, &with); err != nil {
			return err
		}
	}
	s.add(Figure{
		Name: "features", How: "accept with limits, window and credits", Raw: without.rate(), RawIs: "without them",
		Value: with.rate(), Unit: "messages/s",
		Must: "0.85 x", Reach: with.rate() >= .85*without.rate(), Detail: fmt.Sprintf("p50 %s p99 %s", ms(with.p(.5)), ms(with.p(.99))),
	})
	return s.drainAfter(ctx)
}

// RawServe is the front door without the limits of keys, on the servers that
// the benchmark's environment names.
func RawServe(ctx context.Context, addr string) error {
	cfg := config.Config{
		PostgresURL: config.Secret(os.Getenv("SENDOFF_POSTGRES_URL")), RedisURL: config.Secret(os.Getenv("SENDOFF_REDIS_URL")),
		SecretKey: config.Secret(os.Getenv("SENDOFF_SECRET_KEY")), EmulatorURL: os.Getenv("SENDOFF_EMULATOR_URL"), PostgresConns: 16,
	}
	r, err := app.ServeBare(&cfg, addr, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	<-ctx.Done()
	return r.Stop()
}

// tenant is an account of its own with a channel and a key.
type tenant struct {
	key     string
	channel int64
}

func (s *stage) tenant(ctx context.Context, name string, full bool) (t tenant, err error) {
	a, err := s.accounts.CreateAccount(ctx, name)
	if err != nil {
		return t, err
	}
	ch := s.channels[0]
	ch.Account, ch.Name, ch.Key, ch.Window = a.ID, name, "", "provider"
	if full {
		ch.Window = "enforce"
		ch.Policy.Price = map[string]int64{"": 1}
		if _, err := s.accounts.SetCredits(ctx, a.ID, true, 1e15); err != nil {
			return t, err
		}
	}
	made, err := s.accounts.CreateChannel(ctx, ch)
	if err != nil {
		return t, err
	}
	t.channel = made.ID
	if err := app.RegisterAt(s.emURL, "", &made); err != nil {
		return t, err
	}
	t.key, err = demo.Key(ctx, s.accounts, a.ID, false)
	return t, err
}

// openWindows has the next n recipients of this run write to a channel.
func (s *stage) openWindows(ctx context.Context, channel int64, n int) error {
	const page = 50_000
	for from := 0; from < n; from += page {
		tos := make([]string, 0, page)
		for i := from; i < min(n, from+page); i++ {
			tos = append(tos, recipient(s.sent+i))
		}
		if _, err := s.db.ExecContext(
			ctx, `INSERT INTO windows (channel_id, phone, opened_at) SELECT $1, unnest($2::text[]), now()`, channel, pq.Array(tos),
		); err != nil {
			return fmt.Errorf("open windows: %w", err)
		}
	}
	_, err := s.db.ExecContext(ctx, `ANALYZE windows`)
	return err
}

// texts accepts free-form texts for about d and adds them to sum.
func (s *stage) texts(ctx context.Context, base string, t tenant, d time.Duration, sum *load) error {
	from := s.sent
	l, err := hammer(ctx, s.client, http.MethodPost, t.key, 64, d, http.StatusAccepted, func(i int) (string, []byte) {
		return base + "/v1/messages", fmt.Appendf(
			nil, `{"channel":%d,"to":%q,"lane":"normal","reference":"bench-%d","type":"text","text":{"body":"Your order A-%d has left the house."}}`,
			t.channel, recipient(from+i), from+i, i,
		)
	})
	if err != nil {
		return err
	}
	s.sent += l.done
	sum.done, sum.took, sum.times = sum.done+l.done, sum.took+l.took, append(sum.times, l.times...)
	return nil
}
