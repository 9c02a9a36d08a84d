package account

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// AuditEntry is a change and who made it.
type AuditEntry struct {
	ID     int64           `db:"id" json:"id"`
	Actor  string          `db:"actor" json:"actor"`
	Action string          `db:"action" json:"action"`
	Target string          `db:"target" json:"target,omitempty"`
	Detail json.RawMessage `db:"detail" json:"detail"`
	At     time.Time       `db:"at" json:"at"`
}

// Note is what an administrative change leaves in the audit log.
type Note struct {
	Account int64
	Action  string // key.create, channel.update, ...
	Target  string // key:12
	Detail  any    // never a secret; nil: nothing more to say
}

// Change makes an administrative change and writes its audit entry, in one
// transaction: neither is stored without the other. Statements of the Store
// passed to f, and of other stores that run in its Tx, are part of the
// transaction; f must not wait for anything else. f runs a second time, in a new
// transaction, if somebody else kept a lock too long.
func (s *Store) Change(ctx context.Context, actor string, f func(*Store) (Note, error)) error {
	err := s.change(ctx, actor, f)
	if pg.Busy(err) && !s.db.InTx() {
		err = s.change(ctx, actor, f)
	}
	return err
}

func (s *Store) change(ctx context.Context, actor string, f func(*Store) (Note, error)) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		n, err := f(New(tx))
		if err != nil {
			return err
		}
		if n.Detail == nil {
			n.Detail = struct{}{}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_log (account_id, actor, action, target, detail)
		  VALUES ($1, $2, $3, $4, $5)`, n.Account, actor, n.Action, n.Target, pg.JSON(n.Detail))
		return pg.Wrap("write audit log", err)
	})
}

// AuditFilter narrows the audit log, newest first.
type AuditFilter struct {
	Actor, Action, Target string // empty: all
	Before                int64  // the last id of the page before; 0: from the top
	Limit                 int
}

// AuditLog reads the account's audit log.
func (s *Store) AuditLog(ctx context.Context, account int64, f AuditFilter) ([]AuditEntry, error) {
	where := pg.NewWhere(1)
	order := where.Before(`account_id`, `id`, account, cmp.Or(f.Before, math.MaxInt64))
	for _, c := range []struct{ cond, value string }{{`actor = ?`, f.Actor}, {`action = ?`, f.Action}, {`target = ?`, f.Target}} {
		if c.value != "" {
			where.Add(c.cond, c.value)
		}
	}
	out := []AuditEntry{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, actor, action, target, detail, at FROM audit_log
	  WHERE `+where.SQL()+` ORDER BY `+order+` LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("read audit log", err)
}
