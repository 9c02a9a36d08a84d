package operate

import (
	"context"
	"fmt"
	"strings"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// vault is a table with a sealed column.
type vault struct{ name, table, column, id, account string }

var vaults = []vault{
	{"channels", "channels", "secrets", "id", "account_id"},
	{"webhooks", "webhooks", "sealed", "id", "account_id"},
	{"twilio_tokens", "accounts", "twilio_token", "id", "id"},
	{"erasure_keys", "erasure_keys", "sealed", "account_id", "account_id"},
}

// Rotated is what a rotation did to the secrets of one kind.
type Rotated struct {
	Kind    string `json:"kind"`
	Rotated int    `json:"rotated"` // sealed again with the newest key
	Current int    `json:"current"` // were sealed with it already
	// Unreadable are the ids whose key SENDOFF_SECRET_KEY does not hold.
	Unreadable []int64 `json:"unreadable,omitempty"`
}

const sealedPage = 200

type sealedRow struct {
	ID      int64  `db:"id"`
	Account int64  `db:"account_id"`
	Sealed  []byte `db:"sealed"`
}

// Rotate seals every secret again that is not sealed with the newest key, and notes
// it in the audit log of each account. It may run while the service works, and
// twice.
func (s *Store) Rotate(ctx context.Context, actor string) ([]Rotated, error) {
	out := make([]Rotated, len(vaults))
	for i, v := range vaults {
		out[i].Kind = v.name
		if err := s.rotate(ctx, v, actor, &out[i]); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (s *Store) rotate(ctx context.Context, v vault, actor string, r *Rotated) error {
	for after := int64(0); ; {
		var rows []sealedRow
		err := s.db.Tx(ctx, func(tx *pg.DB) (err error) {
			if rows, err = v.page(ctx, tx, after, "FOR UPDATE"); err != nil {
				return err
			}
			return v.reseal(ctx, tx, rows, actor, r)
		})
		if err != nil || len(rows) < sealedPage {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// page reads the sealed values after an id.
func (v vault) page(ctx context.Context, db *pg.DB, after int64, lock string) ([]sealedRow, error) {
	var rows []sealedRow
	err := db.SelectContext(ctx, &rows, fmt.Sprintf(`SELECT %[1]s AS id, %[2]s AS account_id, %[3]s AS sealed FROM %[4]s
		WHERE %[1]s > $1 AND %[3]s IS NOT NULL ORDER BY %[1]s LIMIT %[5]d %[6]s`, v.id, v.account, v.column, v.table, sealedPage, lock), after)
	return rows, pg.Wrap("read secrets of "+v.name, err)
}

func (v vault) reseal(ctx context.Context, tx *pg.DB, rows []sealedRow, actor string, r *Rotated) error {
	changed := map[int64]int{}
	for _, row := range rows {
		if tx.Box().Newest(row.Sealed) {
			r.Current++
			continue
		}
		plain, err := tx.Box().Open(row.Sealed, pg.Row(v.table, row.ID))
		if err != nil {
			r.Unreadable = append(r.Unreadable, row.ID)
			continue
		}
		sealed, err := tx.Box().Seal(plain, pg.Row(v.table, row.ID))
		if err != nil {
			return err
		}
		update := fmt.Sprintf(`UPDATE %s SET %s = $2 WHERE %s = $1`, v.table, v.column, v.id)
		if _, err := tx.ExecContext(ctx, update, row.ID, sealed); err != nil {
			return pg.Wrap("seal "+v.name, err)
		}
		r.Rotated++
		changed[row.Account]++
	}
	for account, n := range changed {
		_, err := tx.ExecContext(ctx, `INSERT INTO audit_log (account_id, actor, action, target, detail)
			VALUES ($1, $2, 'secrets.rotate', $3, $4)`,
			account, actor, v.name, pg.JSON(map[string]int{"rotated": n}))
		if err != nil {
			return pg.Wrap("write audit log", err)
		}
	}
	return nil
}

// OldSecrets returns the ids whose secrets are not sealed with the newest key, by
// kind, and those that no key of SENDOFF_SECRET_KEY opens.
func (s *Store) OldSecrets(ctx context.Context) (old, unreadable map[string][]int64, err error) {
	old, unreadable = map[string][]int64{}, map[string][]int64{}
	for _, v := range vaults {
		for after := int64(0); ; {
			rows, err := v.page(ctx, s.db, after, "")
			if err != nil {
				return nil, nil, err
			}
			for _, row := range rows {
				if s.db.Box().Newest(row.Sealed) {
					continue
				}
				into := old
				if _, err := s.db.Box().Open(row.Sealed, pg.Row(v.table, row.ID)); err != nil {
					into = unreadable
				}
				into[v.name] = append(into[v.name], row.ID)
			}
			if len(rows) < sealedPage {
				break
			}
			after = rows[len(rows)-1].ID
		}
	}
	return old, unreadable, nil
}

// Unreadable returns the channels and webhooks, such as "channel 7", whose secrets
// are sealed with none of the keys; at most 20 of each.
func (s *Store) Unreadable(ctx context.Context) ([]string, error) {
	var out []string
	err := s.db.SelectContext(ctx, &out, `
(SELECT 'channel ' || id FROM channels WHERE encode(substr(secrets, 2, 4), 'hex') <> ALL(string_to_array($1, ',')) ORDER BY id LIMIT 20)
UNION ALL
(SELECT 'webhook ' || id FROM webhooks WHERE encode(substr(sealed, 2, 4), 'hex') <> ALL(string_to_array($1, ',')) AND deleted_at IS NULL
  ORDER BY id LIMIT 20)`,
		strings.Join(s.db.Box().KeyIDs(), ","))
	return out, pg.Wrap("look for unreadable secrets", err)
}
