package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// AuditEntry says who changed what.
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

// Change makes an administrative change and notes it, in one transaction:
// neither is ever there without the other. All that the Store which f gets does
// is part of it; f must not wait for anything else.
func (s *Store) Change(ctx context.Context, actor string, f func(*Store) (Note, error)) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		within := *s
		within.db = tx
		n, err := f(&within)
		if err != nil {
			return err
		}
		if n.Detail == nil {
			n.Detail = struct{}{}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_log (account_id, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5)`, n.Account, actor, n.Action, n.Target, pg.JSON(n.Detail))
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
	conds, args := []string{`account_id = $1`}, []any{account, f.Limit}
	add := func(column, arg string) {
		if arg != "" {
			args = append(args, arg)
			conds = append(conds, fmt.Sprintf(`%s = $%d`, column, len(args)))
		}
	}
	add("actor", f.Actor)
	add("action", f.Action)
	add("target", f.Target)
	if f.Before > 0 {
		args = append(args, f.Before)
		conds = append(conds, fmt.Sprintf(`id < $%d`, len(args)))
	}
	out := []AuditEntry{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, actor, action, target, detail, at FROM audit_log WHERE `+strings.Join(conds, " AND ")+` ORDER BY id DESC LIMIT $2`, args...)
	return out, pg.Wrap("read audit log", err)
}
