package account

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Suppression is a number that nothing may be sent to.
type Suppression struct {
	Phone     string    `db:"phone" json:"phone"`
	Reason    string    `db:"reason" json:"reason"` // stop, provider, manual
	Detail    string    `db:"detail" json:"detail,omitempty"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

const suppressionColumns = `phone, reason, detail, created_at`

// Suppressions lists the account's, in the order of the numbers, after one, of
// those that begin with prefix.
func (s *Store) Suppressions(ctx context.Context, account int64, prefix, after string, limit int) ([]Suppression, error) {
	out := []Suppression{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+suppressionColumns+` FROM suppressions WHERE account_id = $1 AND phone > $2 AND phone LIKE $3 ORDER BY phone LIMIT $4`, account, after, pg.LikeText(prefix)+"%", limit)
	return out, pg.Wrap("list suppressions", err)
}

// Suppress notes that nothing may be sent to a number; one that stands already
// keeps its reason.
func (s *Store) Suppress(ctx context.Context, account int64, phone, reason, detail string) (Suppression, error) {
	var p Suppression
	err := s.db.GetContext(ctx, &p, `INSERT INTO suppressions (account_id, phone, reason, detail) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, phone) DO UPDATE SET phone = excluded.phone RETURNING `+suppressionColumns, account, phone, reason, detail)
	return p, pg.Wrap("suppress number", err)
}

// Unsuppress lets a number be sent to again.
func (s *Store) Unsuppress(ctx context.Context, account int64, phone string) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM suppressions WHERE account_id = $1 AND phone = $2`, account, phone)
	if err != nil {
		return pg.Wrap("unsuppress number", err)
	}
	return pg.Found(r)
}
