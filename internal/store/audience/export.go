package audience

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// BadRow is a row that could not be read.
type BadRow struct {
	Row     int             `db:"row"`
	Line    int             `db:"line"`
	Problem json.RawMessage `db:"problem"`
	Cells   json.RawMessage `db:"cells"`
}

// BadRows returns bad rows of an import after the row.
func (s *Store) BadRows(ctx context.Context, id int64, after, limit int) ([]BadRow, error) {
	var out []BadRow
	err := s.db.SelectContext(ctx, &out, `SELECT row, line, problem, cells FROM import_rows
		WHERE import_id = $1 AND row > $2 AND result = 'bad' ORDER BY row LIMIT $3`, id, after, limit)
	return out, pg.Wrap("read bad rows of import", err)
}

// fieldRows is of how many contacts the names of fields are read: the fields of a file
// need no column each.
const fieldRows = 10_000

const sqlFieldNames = `
SELECT k FROM (SELECT jsonb_object_keys(fields) AS k FROM contacts WHERE id = ANY($1) AND account_id = $2) n
GROUP BY k ORDER BY count(*) DESC, k LIMIT 100`

// FieldNames returns the most frequent names of the fields of contacts, of one
// list unless it is 0.
func (s *Store) FieldNames(ctx context.Context, account, list int64) ([]string, error) {
	w := pg.Walk{From: `contacts`, Key: `id`, Range: pg.NewWhere(0), Limit: fieldRows}
	if list == 0 {
		w.Order = w.Range.After(`account_id`, `id`, account, 0)
	} else {
		w.From, w.Key = `list_contacts`, `contact_id`
		w.Order = w.Range.After(`list_id`, `contact_id`, list, 0)
	}
	ids, _, err := w.IDs(ctx, s.db)
	if err != nil {
		return nil, pg.Wrap("look for contacts", err)
	}
	var out []string
	err = s.db.SelectContext(ctx, &out, sqlFieldNames, ids, account)
	return out, pg.Wrap("read names of fields", err)
}

// Suppressed is a person that is suppressed, by one id.
type Suppressed struct {
	Value     string    `db:"phone"`
	Scope     string    `db:"scope"`
	Reason    string    `db:"reason"`
	Detail    string    `db:"detail"`
	CreatedAt time.Time `db:"created_at"`
}

// Suppressed returns suppressions of the account after the id.
func (s *Store) Suppressed(ctx context.Context, account int64, after string, limit int) ([]Suppressed, error) {
	var out []Suppressed
	err := s.db.SelectContext(ctx, &out, `SELECT phone, scope, reason, detail, created_at FROM suppressions
		WHERE account_id = $1 AND phone > $2 ORDER BY phone LIMIT $3`, account, after, limit)
	return out, pg.Wrap("read suppressions", err)
}

// CampaignState returns the state of a campaign of the account, or nil if there is
// none.
func (s *Store) CampaignState(ctx context.Context, account, id int64) (*campaign.State, error) {
	var state *campaign.State
	err := s.db.GetContext(ctx, &state, `SELECT (SELECT state FROM campaigns WHERE account_id = $1 AND id = $2)`, account, id)
	return state, pg.Wrap("look for campaign", err)
}
