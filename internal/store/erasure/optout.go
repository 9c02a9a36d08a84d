package erasure

import (
	"context"
	"errors"
	"time"

	"github.com/lib/pq"

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

// OptIn is an erased person's wish, by one id, to get messages again.
type OptIn struct {
	ID string
	At time.Time
}

// sqlOptIn leaves what an operator had set. Providers' times have whole seconds.
const sqlOptIn = `
UPDATE erased_people e SET scope = e.manual FROM unnest($2::bytea[], $3::bigint[]) AS i (hash, at_us)
WHERE e.account_id = $1 AND e.hash = i.hash AND (e.scope = $4 OR $4 = 'all')
  AND date_trunc('second', e.erased_at) <= to_timestamp(i.at_us / 1e6)`

// FollowOptIns takes back the opt-outs of erased persons who have opted in since. One
// of scope marketing takes back that of marketing alone.
func FollowOptIns(ctx context.Context, db *pg.DB, account int64, scope string, ins []OptIn) error {
	key, err := keyOf(ctx, db, account)
	if errors.Is(err, dispatch.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	hashes, at := make(pq.ByteaArray, len(ins)), make([]int64, len(ins))
	for i, in := range ins {
		hashes[i], at[i] = hash(key, in.ID), *pg.Micros(in.At)
	}
	_, err = db.ExecContext(ctx, sqlOptIn, account, hashes, pq.Array(at), scope)
	return pg.Wrap("opt in erased persons", err)
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
