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

// The names of fields are those of 10,000 contacts: the fields of a file need no
// column each.
const (
	fieldNamesOf = `SELECT k FROM (SELECT jsonb_object_keys(fields) AS k FROM (SELECT c.fields FROM `
	fieldNames   = ` LIMIT 10000) f) n GROUP BY k ORDER BY count(*) DESC, k LIMIT 100`
)

// FieldNames returns the most frequent names of the fields of contacts, of one
// list unless it is 0.
func (s *Store) FieldNames(ctx context.Context, account, list int64) ([]string, error) {
	var out []string
	from, where := `contacts c`, pg.NewWhere(0)
	var order string
	if list == 0 {
		order = where.After(`c.account_id`, `c.id`, account, 0)
	} else {
		from = `list_contacts m JOIN contacts c ON c.id = m.contact_id`
		order = where.After(`m.list_id`, `m.contact_id`, list, 0)
		where.Add(`c.account_id = ?`, account)
	}
	query := fieldNamesOf + from + ` WHERE ` + where.SQL() + ` ORDER BY ` + order + fieldNames
	err := s.db.SelectContext(ctx, &out, query, where.Args()...)
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
