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

// AuditLog reads a page of the account's audit log, which may be short (pg.WalkMax),
// and the id before which the next one begins, 0 if there is none.
func (s *Store) AuditLog(ctx context.Context, account int64, f AuditFilter) (page []AuditEntry, next int64, err error) {
	w := pg.Walk{From: `audit_log`, Key: `id`, Range: pg.NewWhere(0), Limit: f.Limit}
	w.Order = w.Range.Before(`account_id`, `id`, account, cmp.Or(f.Before, math.MaxInt64))
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	for _, c := range []struct{ cond, value string }{{`actor = ?`, f.Actor}, {`action = ?`, f.Action}, {`target = ?`, f.Target}} {
		if c.value != "" {
			w.Fits.Add(c.cond, c.value)
		}
	}
	ids, next, err := w.IDs(ctx, s.db)
	if err != nil {
		return nil, 0, pg.Wrap("look for audit entries", err)
	}
	page = []AuditEntry{}
	err = s.db.SelectContext(ctx, &page, `SELECT id, actor, action, target, detail, at FROM audit_log
	  WHERE id = ANY($1) ORDER BY id DESC`, ids)
	return page, next, pg.Wrap("read audit log", err)
}
