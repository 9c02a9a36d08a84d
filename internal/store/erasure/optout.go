package erasure

import (
	"context"
	"errors"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// OptOuts are the erased persons of an account who had opted out of messages. A
// nil OptOuts is empty.
type OptOuts struct {
	key    []byte
	scopes map[string]string // by hash
}

// OptOutsOf reads the opt-outs of the erased persons of an account, or nil if
// there are none.
func OptOutsOf(ctx context.Context, db *pg.DB, account int64) (*OptOuts, error) {
	var rows []struct {
		Hash  []byte `db:"hash"`
		Scope string `db:"scope"`
	}
	err := db.SelectContext(ctx, &rows, `SELECT hash, scope FROM erased_people WHERE account_id = $1 AND scope IS NOT NULL`, account)
	if err != nil || len(rows) == 0 {
		return nil, pg.Wrap("read opt-outs of erased persons", err)
	}
	o := &OptOuts{scopes: make(map[string]string, len(rows))}
	for _, r := range rows {
		o.scopes[string(r.Hash)] = r.Scope
	}
	o.key, err = keyOf(ctx, db, account)
	if errors.Is(err, dispatch.ErrNotFound) {
		return nil, nil
	}
	return o, err
}

// HoldBack reports whether the opt-out of an erased person holds back a message
// to the id: one of scope marketing holds back marketing alone.
func (o *OptOuts) HoldBack(id string, marketing bool) bool {
	if o == nil {
		return false
	}
	scope := o.scopes[string(hash(o.key, id))]
	return scope == "all" || scope != "" && marketing
}
