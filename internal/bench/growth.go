package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// measureGrowth measures accept and dispatch with and without a large table of
// finished messages.
func measureGrowth(ctx context.Context, s *stage) error {
	if s.o.Growth == 0 {
		return nil
	}
	rates := func() (accept, send float64, err error) {
		from := s.sent
		l, err := hammer(ctx, s.client, http.MethodPost, s.base+"/v1/messages", s.key, 64, s.seconds(5, 5), http.StatusAccepted,
			func(i int) []byte { return message(s.channels[0].ID, "normal", from+i) })
		if err != nil {
			return 0, 0, err
		}
		s.sent += l.done
		if err := s.drained(ctx); err != nil {
			return 0, 0, err
		}
		s.stopWork()
		n, err := s.backlog(ctx, s.channels[0].ID, "normal", s.pick(30_000, 30_000))
		if err != nil {
			return 0, 0, err
		}
		send, err = s.drainRate(ctx, n)
		return l.rate(), send, err
	}
	a0, d0, err := rates()
	if err != nil {
		return err
	}
	db, err := sql.Open("postgres", s.stack.PostgresURL())
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = db.Close() }()
	err = fill(ctx, db, &s.channels[0], s.o.Growth, func(rows int) {
		fmt.Fprintf(s.o.Out, "   %d of %d finished messages written\n", rows, s.o.Growth)
	})
	if err != nil {
		return err
	}
	a1, d1, err := rates()
	if err != nil {
		return err
	}
	how := fmt.Sprintf("%d finished messages, against none", s.o.Growth)
	s.add(Figure{Name: "growth accept", How: how, Raw: a0, RawIs: "without", Value: a1, Unit: "messages/s", Must: "0.8 x", Reach: a1 >= .8*a0})
	s.add(Figure{
		Name: "growth dispatch", How: how, Raw: d0, RawIs: "without", Value: d1, Unit: "messages/s", Must: "0.8 x", Reach: d1 >= .8*d0,
	})
	return nil
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
