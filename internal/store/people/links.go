package people

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Link notes that the ids, as person.ID returns them, are one person's.
// Persons that were two until then become one.
func (p *People) Link(ctx context.Context, account int64, ids ...string) error {
	return p.LinkAll(ctx, account, [][]string{ids})
}

// LinkAll is Link for each of several persons, in a fixed number of statements.
func (p *People) LinkAll(ctx context.Context, account int64, persons [][]string) error {
	sets := make([][]string, 0, len(persons))
	for _, ids := range persons {
		if ids = linkable(ids); len(ids) > 0 {
			sets = append(sets, ids)
		}
	}
	if len(sets) == 0 {
		return nil
	}
	known, err := personsOf(ctx, p.db, account, sets)
	if err != nil || linked(known, sets) {
		return err
	}
	return p.db.Tx(ctx, func(tx *pg.DB) error {
		// Links of one account are made one after the other: two that share an id
		// must not make two persons of it.
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('people', $1))`, account); err != nil {
			return pg.Wrap("lock the account's people", err)
		}
		return link(ctx, tx, account, sets)
	})
}

// linkable returns the ids of a person in order, each once, and nothing for a
// person of whom only a number is known.
func linkable(ids []string) []string {
	ids = slices.Clone(ids)
	for i := range ids {
		ids[i] = pg.FitRef(storable.Clean(ids[i]))
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 1 && person.IsPhone(ids[0]) {
		return nil
	}
	return ids
}

// personsOf returns the persons that have the ids, by id; unknown ids are left
// out.
func personsOf(ctx context.Context, q *pg.DB, account int64, sets [][]string) (map[string]int64, error) {
	var rows []Identity
	err := q.SelectContext(ctx, &rows, `SELECT value, person FROM identities WHERE account_id = $1 AND value = ANY($2)`,
		account, pq.Array(slices.Concat(sets...)))
	known := make(map[string]int64, len(rows))
	for _, r := range rows {
		known[r.Value] = r.Person
	}
	return known, pg.Wrap("read people's ids", err)
}

// linked reports whether the ids of each set are one person's already.
func linked(known map[string]int64, sets [][]string) bool {
	for _, ids := range sets {
		for _, id := range ids {
			if known[id] == 0 || known[id] != known[ids[0]] {
				return false
			}
		}
	}
	return true
}

// sqlJoin makes the persons $2 the persons $3, each in its place.
const sqlJoin = `UPDATE identities i SET person = t.one, former = i.former || ('person:' || i.person)
  FROM unnest($2::bigint[], $3::bigint[]) AS t(other, one)
  WHERE i.account_id = $1 AND i.person = t.other`

const sqlIdentify = `INSERT INTO identities (account_id, value, person) SELECT $1, t.value, t.person
  FROM unnest($2::text[], $3::bigint[]) AS t(value, person) ORDER BY t.value ON CONFLICT (account_id, value) DO NOTHING`

// link makes each set of ids one person. The caller holds the account's lock.
func link(ctx context.Context, tx *pg.DB, account int64, sets [][]string) error {
	known, err := personsOf(ctx, tx, account, sets)
	if err != nil {
		return err
	}
	var fresh []int64
	if err := tx.SelectContext(ctx, &fresh, `SELECT nextval('people_id') FROM generate_series(1, $1::integer)`, len(sets)); err != nil {
		return pg.Wrap("number people", err)
	}
	one := united{}
	for i, ids := range sets {
		one.unite(known, ids, fresh[i])
	}
	var others, ones, persons []int64
	for other := range one {
		others, ones = append(others, other), append(ones, one.of(other))
	}
	if len(others) > 0 {
		if _, err := tx.ExecContext(ctx, sqlJoin, account, pq.Array(others), pq.Array(ones)); err != nil {
			return pg.Wrap("join people", err)
		}
	}
	values := slices.Compact(slices.Sorted(slices.Values(slices.Concat(sets...))))
	for _, v := range values {
		persons = append(persons, one.of(known[v]))
	}
	_, err = tx.ExecContext(ctx, sqlIdentify, account, pq.Array(values), pq.Array(persons))
	return pg.Wrap("link people's ids", err)
}

// united has, for persons who turned out to be another one, that one.
type united map[int64]int64

// of returns who a person is now.
func (u united) of(p int64) int64 {
	for u[p] != 0 {
		p = u[p]
	}
	return p
}

// unite makes the ids those of the oldest person who has one of them, or of fresh,
// and notes the ones that are new in known.
func (u united) unite(known map[string]int64, ids []string, fresh int64) {
	one := fresh
	for _, id := range ids {
		if p := u.of(known[id]); p != 0 {
			one = min(one, p)
		}
	}
	for _, id := range ids {
		if p := u.of(known[id]); p != 0 && p != one {
			u[p] = one
		}
		if known[id] == 0 {
			known[id] = one
		}
	}
}
