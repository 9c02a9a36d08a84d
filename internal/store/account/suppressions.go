package account

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Suppression is a person that nothing may be sent to, or no marketing.
type Suppression struct {
	Phone     string    `db:"phone" json:"phone"`   // an id of the person
	Scope     string    `db:"scope" json:"scope"`   // all or marketing
	Reason    string    `db:"reason" json:"reason"` // stop, provider, manual
	Detail    string    `db:"detail" json:"detail,omitempty"`
	Source    string    `db:"source" json:"source"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

const suppressionColumns = `phone, scope, reason, detail, created_at, CASE WHEN source <> '' THEN source WHEN reason = 'manual'
  THEN 'operator'
  WHEN reason = 'provider' THEN 'refusal' ELSE 'message' END AS source`

// sqlSuppressions compares bytes, so that an index finds what begins with a text.
// chr(1114111) is the last character.
const sqlSuppressions = `
SELECT ` + suppressionColumns + ` FROM (
  (SELECT * FROM suppressions WHERE account_id = $1 AND phone ~>~ $2 AND phone ~>=~ $3 AND phone ~<~ ($3 || chr(1114111))
    ORDER BY phone USING ~<~ LIMIT $4)
  UNION SELECT * FROM suppressions WHERE account_id = $1 AND phone ~>~ $2 AND phone = ANY(`

// Suppressions lists the account's, in the order of the ids' bytes, after one, of
// those that begin with prefix, and of the person who has the id prefix.
func (s *Store) Suppressions(ctx context.Context, account int64, prefix, after string, limit int) ([]Suppression, error) {
	out := []Suppression{}
	err := s.db.SelectContext(ctx, &out, sqlSuppressions+people.LinkedTo("$1", "$3")+`)) s ORDER BY phone USING ~<~ LIMIT $4`,
		account, after, prefix, limit)
	return out, pg.Wrap("list suppressions", err)
}

// sqlSuppress adds an operator's entry. A STOP below it keeps its time; no START
// lifts the entry.
const sqlSuppress = `
INSERT INTO suppressions AS s (account_id, phone, reason, detail, source, scope, manual) VALUES ($1, $2, 'manual', $3, 'operator', $4, $4)
ON CONFLICT (account_id, phone) DO UPDATE SET reason = 'manual', source = 'operator', detail = CASE WHEN excluded.detail <> ''
  THEN excluded.detail ELSE s.detail END,
  scope = CASE WHEN s.scope = 'all' AND s.reason <> 'manual' OR s.stopped_at IS NOT NULL THEN 'all'
    ELSE excluded.scope END, manual = excluded.manual,
  stopped_at = coalesce(s.stopped_at, CASE WHEN s.reason <> 'manual' AND s.scope = 'all' THEN s.created_at END)
RETURNING ` + suppressionColumns

// Suppress notes that an operator lets nothing be sent to a person, or no
// marketing; scope is all or marketing.
func (s *Store) Suppress(ctx context.Context, account int64, phone, scope, detail string) (Suppression, error) {
	var p Suppression
	err := s.db.GetContext(ctx, &p, sqlSuppress, account, phone, detail, scope)
	return p, pg.Wrap("suppress number", err)
}

// Unsuppress lets a number be sent to again.
func (s *Store) Unsuppress(ctx context.Context, account int64, phone string) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM suppressions
	  WHERE account_id = $1 AND (phone = $2 OR phone = ANY(`+people.LinkedTo("$1", "$2")+`))`, account, phone)
	if err != nil {
		return pg.Wrap("unsuppress number", err)
	}
	return pg.Found(r)
}

// ErasedOptOuts returns the opt-outs of the erased persons of the account.
func (s *Store) ErasedOptOuts(ctx context.Context, account int64) (*erasure.OptOuts, error) {
	return erasure.OptOutsOf(ctx, s.db, account)
}
