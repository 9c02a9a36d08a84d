package campaign

import (
	"context"
	"crypto/md5"
	"strconv"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// The pages of campaigns and of their recipients read what they show, and not the
// ledger, in which few rows have a rare status.
func TestReadings_Pages_ReadWhatTheyShow(t *testing.T) {
	t.Parallel()
	grow := []string{
		`INSERT INTO campaigns (id, account_id, name, definition)
		  SELECT i, 7 + (i > 30000)::int, 'c' || i, '{}' FROM generate_series(1, 30010) i`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, indexed_status, wake_at, recipient, message_id)
		  SELECT 1, i, CASE WHEN i > 49990 THEN 60 ELSE 40 END, CASE WHEN i > 49990 THEN 60 END, timestamptz '2026-11-01',
		  '+1555' || lpad(i::text, 7, '0'), ('018f0000-0000-7000-8000-0001' || lpad(to_hex(i), 8, '0'))::uuid
		  FROM generate_series(1, 50000) i`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, indexed_status, wake_at, recipient)
		  SELECT 2, i, CASE WHEN i > 40000 THEN 0 ELSE 70 END, CASE WHEN i <= 40000 THEN 70 END, timestamptz '2026-11-01',
		  '+1555' || lpad(i::text, 7, '0')
		  FROM generate_series(1, 50000) i`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, indexed_status, wake_at, recipient, message_id)
		  SELECT 13, i, 10, NULL, now(), '+1555' || lpad(i::text, 7, '0'),
		  ('018f0000-0000-7000-8000-0013' || lpad(to_hex(i), 8, '0'))::uuid FROM generate_series(1, 25000) i`,
		`INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
		  SELECT ('018f0000-0000-7000-8000-0013' || lpad(to_hex(i), 8, '0'))::uuid, 7, 1, 13, 2, now(), now(), now()
		  FROM generate_series(1, 5000) i`,
		`INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
		  SELECT ('018f0000-0000-7000-8000-0001' || lpad(to_hex(i), 8, '0'))::uuid, 7, 1, 1, 2, now(), now(), now()
		  FROM generate_series(49000, 49100) i`,
		`INSERT INTO dispatch (message_id, account_id, channel_id, lane, wake_at, due_at, expires_at)
		  SELECT md5('other' || i)::uuid, 7, 1, 1, now(), now(), now() FROM generate_series(1, 5000) i`,
		`INSERT INTO campaign_counts (campaign_id, status, reason, n) VALUES (1, 10, 0, 100)`,
		`INSERT INTO campaign_counts (campaign_id, status, reason, n, changed_at) SELECT i, 40, 0, 1, now() FROM generate_series(1, 20000) i`,
	}
	failed := campaign.Failed
	had := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	ended, waits := Campaign{ID: 1, TurnAt: &had, TurnSeq: 49_990}, Campaign{ID: 2, TurnAt: &had, TurnSeq: 40_000}
	rows := func(f RecipientFilter) func(ctx context.Context, tx *pg.DB) error {
		f.Limit = 50
		return func(ctx context.Context, tx *pg.DB) error { _, _, err := New(tx).Recipients(ctx, 1, f); return err }
	}
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, []storetest.Reading{
		{Name: "campaigns", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Campaigns(ctx, 7, Filter{Limit: 50})
			return err
		}},
		{Name: "campaigns of a small account", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Campaigns(ctx, 8, Filter{Limit: 50})
			return err
		}},
		{Name: "campaigns of a name", Most: pg.WalkMax + 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Campaigns(ctx, 7, Filter{Search: "nobody", Limit: 50})
			return err
		}},
		{Name: "runs of a campaign", Most: pg.WalkMax + 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Campaigns(ctx, 7, Filter{Parent: 1, Limit: 50})
			return err
		}},
		{Name: "counts", Most: 1000, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Counts(ctx, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
			return err
		}},
		{Name: "recipients", Most: 500, Read: rows(RecipientFilter{})},
		{Name: "recipients that failed", Most: 500, Read: rows(RecipientFilter{Status: &failed})},
		{Name: "recipients that are being sent", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Status: new(campaign.Sending)})},
		{Name: "recipients that are queued", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Status: new(campaign.Queued)})},
		{Name: "recipients that are sent", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Status: new(campaign.Sent)})},
		{Name: "recipients that are delivered", Most: 500, Read: rows(RecipientFilter{Status: new(campaign.Delivered)})}, // all are
		{Name: "recipients that were read", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Status: new(campaign.Read)})},
		{Name: "recipients that are being sent, all queued", Most: 2*pg.WalkMax + 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Recipients(ctx, 13, RecipientFilter{Status: new(campaign.Sending), Limit: 50})
			return err
		}},
		{Name: "recipients that are held", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Status: new(campaign.Held)})},
		{Name: "recipients of a reason", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Reason: new(campaign.Reason(1))})},
		{Name: "recipients of a number", Most: pg.WalkMax + 500, Read: rows(RecipientFilter{Search: "nobody"})},
		{Name: "turn", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error { _, err := New(tx).Turn(ctx, &waits, 50); return err }},
		{Name: "turn, none left", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Turn(ctx, &ended, 50)
			return err
		}},
		{Name: "next turn", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			c := waits
			_, err := New(tx).NextTurn(ctx, &c)
			return err
		}},
		{Name: "next turn, none left", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			c := ended
			_, err := New(tx).NextTurn(ctx, &c)
			return err
		}},
		{Name: "last results", Most: 20_500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).LastResults(ctx, &ended, nil)
			return err
		}},
		{Name: "rows to cancel", Most: 4500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).CancelRows(ctx, new(waits))
			return err
		}},
		{Name: "sweep of what is sent", Most: 5_100, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Sweep(ctx, &Campaign{ID: 1}, Mark{}, true)
			return err
		}},
		{Name: "report", Most: 1000, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Report(ctx, 1, 0, 50)
			return err
		}},
	})
}

// A ledger is filled and analyzed while no row has a message. The pages of messages that
// are claimed and settled then read their own rows, not all that got one since.
func TestReadings_MessagesSinceTheLastAnalyze_ReadTheirRows(t *testing.T) {
	t.Parallel()
	grow := []string{
		`INSERT INTO campaigns (id, account_id, name, definition) VALUES (1, 7, 'x', '{}')`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient)
		  SELECT 1, i, 0, now(), '' FROM generate_series(1, 5000) i`,
		`ANALYZE campaign_recipients`,
		`UPDATE campaign_recipients SET status = 10, indexed_status = NULL, message_id = md5(seq::text)::uuid`,
	}
	refs, until := make([]ledger.Ref, 50), make([]time.Time, 50)
	for i := range refs {
		refs[i], until[i] = ledger.Ref{Campaign: 1, Message: md5.Sum([]byte(strconv.Itoa(4900 + i)))}, time.Now()
	}
	page := func(name string, f func(context.Context, *Store) error) storetest.Reading {
		return storetest.Reading{Name: name, Most: 500, Read: func(ctx context.Context, tx *pg.DB) error { return f(ctx, New(tx)) }}
	}
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, []storetest.Reading{
		page("gates", func(ctx context.Context, s *Store) error { _, err := s.Gates(ctx, refs); return err }),
		page("sync", func(ctx context.Context, s *Store) error { return s.Sync(ctx, refs) }),
		page("hold", func(ctx context.Context, s *Store) error { return s.HoldMessages(ctx, refs, until) }),
		page("hold for quality", func(ctx context.Context, s *Store) error { return s.HoldForQuality(ctx, refs) }),
	})
}
