package account

import (
	"context"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// grow fills the tables of pages: much of account 7, little of account 8, which came later.
var grow = []string{
	`INSERT INTO api_keys (id, account_id, name, prefix, hash, permissions)
	  SELECT i, 7 + (i > 2000)::int, 'k' || i, 'sk', decode(md5(i::text), 'hex'), '{}'
	  FROM generate_series(1, 2010) i`,
	`INSERT INTO key_usage (key_id, day, calls, messages) SELECT k, (now() AT TIME ZONE 'utc')::date - d, 1, 1
	  FROM generate_series(1, 2010) k, generate_series(0, 39) d`,
	`INSERT INTO templates (account_id, channel_id, name, language, category, status, components)
	  SELECT 7 + (i > 50000)::int, i, 't' || i, 'en', 'utility', 'approved', '[]' FROM generate_series(1, 50010) i`,
	`INSERT INTO contacts (account_id, phone, name)
	  SELECT 7 + (i > 50000)::int, '+1555' || lpad(i::text, 7, '0'), 'Name ' || i FROM generate_series(1, 50010) i`,
	`INSERT INTO lists (account_id, name) SELECT 7 + (i > 500)::int, 'l' || i FROM generate_series(1, 510) i`,
	`INSERT INTO list_contacts (list_id, contact_id) SELECT 1, id FROM contacts WHERE account_id = 7`,
	`INSERT INTO list_contacts (list_id, contact_id) SELECT 2, id FROM contacts WHERE account_id = 7 ORDER BY id DESC LIMIT 3`,
	`INSERT INTO suppressions (account_id, phone, reason)
	  SELECT 7 + (i > 50000)::int, '+1555' || lpad(i::text, 7, '0'), 'manual' FROM generate_series(1, 50010) i`,
	`INSERT INTO audit_log (account_id, actor, action, target)
	  SELECT 7 + (i > 50000)::int, 'user:1', CASE i WHEN 1 THEN 'rare' ELSE 'key.create' END, 'key:' || i FROM generate_series(1, 50010) i`,
	`INSERT INTO ledger (account_id, amount, kind) SELECT 7 + (i > 50000)::int, 1, 'topup' FROM generate_series(1, 50010) i`,
}

// The pages of an account's configuration read what they show, and not the tables.
func TestReadings_Pages_ReadWhatTheyShow(t *testing.T) {
	t.Parallel()
	var all []storetest.Reading
	for name, account := range map[string]int64{"large": 7, "small": 8} {
		for _, r := range []struct {
			name string
			most int64
			read func(ctx context.Context, s *Store) error
		}{
			{"usage of keys", 5000, func(ctx context.Context, s *Store) error { _, err := s.KeyUsages(ctx, account, 0, 50); return err }},
			{"contacts", 500, func(ctx context.Context, s *Store) error {
				_, err := s.Contacts(ctx, account, ContactFilter{Limit: 50})
				return err
			}},
			{"contacts of a list", 500, func(ctx context.Context, s *Store) error {
				_, err := s.Contacts(ctx, account, ContactFilter{List: 2, Limit: 50})
				return err
			}},
			{"suppressions", 500, func(ctx context.Context, s *Store) error {
				_, err := s.Suppressions(ctx, account, "", "", 50)
				return err
			}},
			{"suppressions of a number", 500, func(ctx context.Context, s *Store) error {
				_, err := s.Suppressions(ctx, account, "+15550049999", "", 50)
				return err
			}},
			{"audit log", 500, func(ctx context.Context, s *Store) error {
				_, err := s.AuditLog(ctx, account, AuditFilter{Limit: 50})
				return err
			}},
			{"ledger", 500, func(ctx context.Context, s *Store) error { _, err := s.Ledger(ctx, account, 0, 50); return err }},
		} {
			all = append(all, storetest.Reading{
				Name: r.name + " of the " + name + " account", Most: r.most,
				Read: func(ctx context.Context, tx *pg.DB) error { return r.read(ctx, New(tx)) },
			})
		}
	}
	small := func(name string, most int64, read func(ctx context.Context, s *Store) error) {
		all = append(all, storetest.Reading{
			Name: name + " of the small account", Most: most,
			Read: func(ctx context.Context, tx *pg.DB) error { return read(ctx, New(tx)) },
		})
	}
	small("keys", 3000, func(ctx context.Context, s *Store) error { _, err := s.Keys(ctx, 8); return err })
	small("usage by day", 3000, func(ctx context.Context, s *Store) error { _, err := s.DayUsages(ctx, 8); return err })
	small("templates", 500, func(ctx context.Context, s *Store) error { _, err := s.Templates(ctx, 8); return err })
	small("lists", 3000, func(ctx context.Context, s *Store) error { _, err := s.ListInfos(ctx, 8, 0, 50); return err })
	small("reports of channels", 500, func(ctx context.Context, s *Store) error { _, err := s.ChannelReports(ctx, 8); return err })
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, all)
}
