package audience

import (
	"context"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// The pages of imports read what they show, also of an account with few beside one with many.
func TestReadings_Imports_ReadWhatTheyShow(t *testing.T) {
	t.Parallel()
	grow := []string{
		`INSERT INTO imports (id, account_id, actor, kind, status) SELECT i, 7 + (i > 30000)::int, 'key:1', 'contacts', 'done'
		  FROM generate_series(1, 30010) i`,
		`INSERT INTO import_rows (import_id, row, line, result, problem, cells)
		  SELECT 1, i, i, CASE WHEN i > 49990 THEN 'bad' ELSE 'created' END, '{}', '[]' FROM generate_series(1, 50000) i`,
		`INSERT INTO contacts (account_id, phone, fields)
		  SELECT 7 + (i > 50000)::int, '+1555' || lpad(i::text, 7, '0'), '{"a": "b"}' FROM generate_series(1, 50010) i`,
		`INSERT INTO list_contacts (list_id, contact_id) SELECT 1, id FROM contacts WHERE account_id = 7`,
		`INSERT INTO suppressions (account_id, phone, reason)
		  SELECT 7 + (i > 50000)::int, '+1555' || lpad(i::text, 7, '0'), 'manual' FROM generate_series(1, 50010) i`,
	}
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, []storetest.Reading{
		{Name: "imports", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Imports(ctx, 7, ImportFilter{Limit: 50})
			return err
		}},
		{Name: "imports of a rare kind", Most: pg.WalkMax + 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Imports(ctx, 7, ImportFilter{Kind: Audience, Status: Failed, Limit: 50})
			return err
		}},
		{Name: "imports of a small account", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx).Imports(ctx, 8, ImportFilter{Kind: Audience, Limit: 50})
			return err
		}},
		{Name: "bad rows", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).BadRows(ctx, 1, 0, 50)
			return err
		}},
		{Name: "names of fields", Most: 20_500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).FieldNames(ctx, 7, 0)
			return err
		}},
		{Name: "names of the fields of a list", Most: 20_500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).FieldNames(ctx, 7, 1)
			return err
		}},
		{Name: "names of fields of a small account", Most: 500, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).FieldNames(ctx, 8, 0)
			return err
		}},
		{Name: "suppressions", Most: 1000, Read: func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Suppressed(ctx, 8, "", 500)
			return err
		}},
	})
}
