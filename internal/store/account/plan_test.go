package account

import (
	"context"
	"fmt"
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
				_, _, err := s.Contacts(ctx, account, ContactFilter{Limit: 50})
				return err
			}},
			{"contacts with a rare text", pg.WalkMax + 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.Contacts(ctx, account, ContactFilter{Search: "nobody", Limit: 50})
				return err
			}},
			{"contacts with a rare field", pg.WalkMax + 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.Contacts(ctx, account, ContactFilter{Field: "plan", Value: "gold", Limit: 50})
				return err
			}},
			{"contacts of a list with a rare text", pg.WalkMax + 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.Contacts(ctx, account, ContactFilter{List: 1, Search: "nobody", Limit: 50})
				return err
			}},
			{"contact of a number", 500, func(ctx context.Context, s *Store) error {
				page, next, err := s.Contacts(ctx, account, ContactFilter{Search: fmt.Sprintf("+1 555 00%d", 50_000+10*(account-7)), Limit: 50})
				if err == nil && (len(page) != 1 || next != 0) {
					err = fmt.Errorf("found %d contacts", len(page))
				}
				return err
			}},
			{"contacts of a list", 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.Contacts(ctx, account, ContactFilter{List: 2, Limit: 50})
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
				_, _, err := s.AuditLog(ctx, account, AuditFilter{Limit: 50})
				return err
			}},
			{"audit log of a rare action", pg.WalkMax + 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.AuditLog(ctx, account, AuditFilter{Action: "rare", Limit: 50})
				return err
			}},
			{"audit log of nobody, of a target", pg.WalkMax + 500, func(ctx context.Context, s *Store) error {
				_, _, err := s.AuditLog(ctx, account, AuditFilter{Actor: "key:1", Target: "key:3", Limit: 50})
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

// What is rare in a list is found page by page, however far back, and nothing twice.
func TestPages_RareRows_AreFoundFartherBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	const n = 2*pg.WalkMax + 100
	for from := 1; from <= n; from += 5000 { // each well within the statement timeout
		_, err := f.db.ExecContext(t.Context(), `INSERT INTO contacts (account_id, phone, name, fields)
		  SELECT $1, '+1555' || lpad(i::text, 7, '0'), CASE WHEN i % 20000 = 50 THEN 'Rare' ELSE 'Often' END, '{"plan": "free"}'
		  FROM generate_series($2::integer, $2::integer + 4999) i`, f.account, from)
		must(t, err)
		_, err = f.db.ExecContext(t.Context(), `INSERT INTO audit_log (account_id, actor, action)
		  SELECT $1, 'key:1', CASE WHEN i % 20000 = 50 THEN 'rare' ELSE 'often' END
		  FROM generate_series($2::integer, $2::integer + 4999) i`, f.account, from)
		must(t, err)
	}
	pages := func(read func(at int64) (found int, next int64, err error)) (found, pages int) {
		t.Helper()
		for at, more := int64(0), true; more && pages < 10; more = at != 0 {
			n, next, err := read(at)
			must(t, err)
			found, pages, at = found+n, pages+1, next
		}
		return found, pages
	}
	for name, read := range map[string]func(at int64) (int, int64, error){
		"contacts": func(at int64) (int, int64, error) {
			page, next, err := f.Contacts(t.Context(), f.account, ContactFilter{Search: "rare", After: at, Limit: 50})
			return len(page), next, err
		},
		"contacts, one a page": func(at int64) (int, int64, error) {
			page, next, err := f.Contacts(t.Context(), f.account, ContactFilter{Search: "rare", After: at, Limit: 1})
			return len(page), next, err
		},
		"audit log": func(at int64) (int, int64, error) {
			page, next, err := f.AuditLog(t.Context(), f.account, AuditFilter{Action: "rare", Before: at, Limit: 50})
			return len(page), next, err
		},
	} {
		if found, pages := pages(read); found != 3 || pages < 3 || pages > 5 {
			t.Errorf("%s: %d found on %d pages", name, found, pages)
		}
	}
}
