package people

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Identity is an id of a person.
type Identity struct {
	Person   int64  `db:"person"`
	Value    string `db:"value"`
	Username string `db:"username"`
}

const sqlIdentities = `SELECT i.person, i.value, i.username FROM unnest($1::bigint[], $2::bigint[]) AS t(account, person)
  JOIN identities i ON i.account_id = t.account AND i.person = t.person ORDER BY i.value`

// Show sets the ids of the recipients of views. persons has by index the number of
// each one's person, 0 where only the recipient itself is known.
func Show(ctx context.Context, q *pg.DB, views []dispatch.View, persons []int64) error {
	var accounts, known []int64
	for i, p := range persons {
		v := &views[i]
		if person.IsUserID(v.Recipient) {
			if v.UserID == "" {
				v.UserID = v.Recipient
			}
		} else {
			v.To = dispatch.Number(v.Recipient)
		}
		if p != 0 && !slices.Contains(known, p) {
			accounts, known = append(accounts, v.Account), append(known, p)
		}
	}
	if len(known) == 0 {
		return nil
	}
	var ids []Identity
	if err := q.SelectContext(ctx, &ids, sqlIdentities, pq.Array(accounts), pq.Array(known)); err != nil {
		return pg.Wrap("read recipients' ids", err)
	}
	for i, p := range persons {
		for _, id := range ids {
			if id.Person == p && p != 0 {
				show(&views[i], id)
			}
		}
	}
	return nil
}

// show adds an id of v's recipient: that other than the number is its wa_id, as
// is one that is no number in any case.
func show(v *dispatch.View, id Identity) {
	switch {
	case person.IsUserID(id.Value):
		v.Username = id.Username
		if v.UserID == "" {
			v.UserID = id.Value
		}
	case id.Value != v.Recipient || !person.IsPhone(id.Value):
		if v.WaID == "" || !person.IsPhone(id.Value) {
			v.WaID = id.Value[1:]
		}
	}
}
