package bench

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// rate is a figure of growth.
type rate struct {
	name, unit string
	value      float64
	cpu        map[string]float64 // microseconds an operation, by part
}

// measureGrowth measures the hot paths with and without a large table of finished
// messages.
func measureGrowth(ctx context.Context, s *stage) error {
	if s.o.Growth == 0 {
		return nil
	}
	empty, err := s.growthRates(ctx)
	if err != nil {
		return err
	}
	err = fill(ctx, s.db, &s.channels[0], s.o.Growth, func(rows int) {
		fmt.Fprintf(s.o.Out, "   %d of %d finished messages written\n", rows, s.o.Growth)
	})
	if err != nil {
		return err
	}
	full, err := s.growthRates(ctx)
	if err != nil {
		return err
	}
	for i, v := range full {
		raw := empty[i].value
		f := Figure{
			Name: "growth " + v.name, How: fmt.Sprintf("%d finished messages, against none", s.o.Growth), Raw: raw, RawIs: "without",
			Value: v.value, Unit: v.unit, Must: "0.9 x", Reach: v.value >= .9*raw, CPU: v.cpu,
		}
		if was := empty[i].cpu["all"]; was > 0 { // a noisy machine moves it less than the rate
			f.Detail = fmt.Sprintf("CPU %.2f x", v.cpu["all"]/was)
		}
		s.add(f)
	}
	return nil
}

// growthRates measures accept, dispatch, reads of a message and of the list, and
// callbacks.
func (s *stage) growthRates(ctx context.Context) ([]rate, error) {
	var rates []rate
	for _, measure := range []func(context.Context) (rate, error){
		s.growthAccept, s.growthDispatch,
		func(ctx context.Context) (rate, error) {
			return s.growthReads(ctx, "poll", func(id string) string { return "/v1/messages/" + id })
		},
		func(ctx context.Context) (rate, error) {
			return s.growthReads(ctx, "list", func(string) string { return "/v1/messages?limit=20" })
		},
		s.growthCallbacks,
	} {
		r, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		rates = append(rates, r)
	}
	return rates, nil
}

func (s *stage) growthAccept(ctx context.Context) (rate, error) {
	before := s.cpu()
	l, err := s.shootMessages(ctx, 64, s.seconds(5, 5), s.base)
	if err != nil {
		return rate{}, err
	}
	return rate{"accept", "messages/s", l.rate(), s.cpu().since(before, l.done)}, nil
}

func (s *stage) growthDispatch(ctx context.Context) (rate, error) {
	if err := s.drained(ctx); err != nil {
		return rate{}, err
	}
	s.stopWork()
	n, err := s.backlog(ctx, s.channels[0].ID, "normal", s.pick(30_000, 30_000))
	if err != nil {
		return rate{}, err
	}
	before := s.cpu()
	value, err := s.drainRate(ctx, n, 1)
	return rate{"dispatch", "messages/s", value, s.cpu().since(before, n)}, err
}

func (s *stage) growthReads(ctx context.Context, name string, path func(id string) string) (rate, error) {
	before := s.cpu()
	l, err := s.reads(ctx, s.seconds(3, 5), path)
	if err != nil {
		return rate{}, err
	}
	return rate{name, "requests/s", l.rate(), s.cpu().since(before, l.done)}, nil
}

func (s *stage) growthCallbacks(ctx context.Context) (rate, error) {
	all, err := s.newest(ctx, s.pick(5_000, 10_000))
	if err != nil {
		return rate{}, err
	}
	before := s.cpu()
	value, refused := s.callBack(ctx, all)
	if refused > 0 {
		return rate{}, fmt.Errorf("%d callbacks were refused", refused)
	}
	return rate{"callbacks", "callbacks/s", value, s.cpu().since(before, len(all))}, nil
}

// fillPage is the number of rows that one INSERT writes.
const fillPage = 200_000

// sqlFill inserts finished messages $1 to $2, a hundredth of a second apart, the
// first one newest. Their ids are UUIDv7 of their time, with a digest of their
// number in place of the random bits: writing one twice changes nothing.
const sqlFill = `
INSERT INTO messages (id, account_id, channel_id, lane, type, recipient, content, reference, status,
  expires_at, created_at, sent_at, delivered_at)
SELECT (substr(uuid_floor(at)::text, 1, 14) || '7' || substr(digest, 1, 3) || '-8' || substr(digest, 4, 3) || '-' ||
    substr(digest, 7, 12))::uuid,
  $3, $4, $5, 'template', '+1555' || lpad((g % 10000000)::text, 7, '0'), 
  '{"type":"template","template":{"name":"hello_world"}}', 'old-' || g, $6, now(), at, at, at
FROM (SELECT g, md5(g::text) AS digest, now() - make_interval(secs => g * 0.01) AS at FROM generate_series($1::int, $2::int) g) s
ON CONFLICT DO NOTHING`

// fill inserts n finished messages of the past into the channel and reports each
// page of rows to done.
func fill(ctx context.Context, db *sql.DB, ch *dispatch.Channel, n int, done func(rows int)) error {
	for from := 0; from < n; from += fillPage {
		to := min(from+fillPage, n)
		if _, err := db.ExecContext(ctx, sqlFill, from, to-1, ch.Account, ch.ID, dispatch.Normal, dispatch.Delivered); err != nil {
			return fmt.Errorf("fill messages: %w", err)
		}
		done(to)
	}
	if _, err := db.ExecContext(ctx, `ANALYZE messages`); err != nil {
		return fmt.Errorf("analyze messages: %w", err)
	}
	return nil
}
