package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// person is what is known of the person with an id, of the few of whom anything
// is known.
type person struct {
	Value      string `db:"value"`
	Number     *int64 `db:"person"` // several ids of the person are known
	Suppressed bool   `db:"suppressed"`
}

// Probing an index for each row never costs more than the page; reading a whole
// table may.
const sqlProbe = `SET LOCAL random_page_cost = 1.1; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`

const sqlPeople = `
SELECT v.value, i.person, p.phone IS NOT NULL OR i.person IS NOT NULL AND EXISTS (SELECT 1 FROM identities b
  JOIN suppressions s ON s.account_id = b.account_id AND s.phone = b.value WHERE b.account_id = $1 AND b.person = i.person) AS suppressed
FROM unnest($2::text[]) v (value) LEFT JOIN identities i ON i.account_id = $1 AND i.value = v.value
LEFT JOIN suppressions p ON p.account_id = $1 AND p.phone = v.value WHERE i.person IS NOT NULL OR p.phone IS NOT NULL`

// judge finds the rows of the page whose persons came earlier in the file, are
// suppressed or were erased.
func (m *merge) judge(ctx context.Context) error {
	if err := m.run(ctx, sqlProbe); err != nil {
		return err
	}
	values := make([]string, 0, len(m.page))
	for i := range m.page {
		values = append(values, m.page[i].values()...)
	}
	var found []person
	if err := m.tx.SelectContext(ctx, &found, sqlPeople, m.i.Account, pq.Array(values)); err != nil {
		return pg.Wrap("look for persons of import", err)
	}
	erased, err := erasure.Erased(ctx, m.tx, m.i.Account, values)
	if err != nil {
		return err
	}
	people := make(map[string]person, len(found))
	for _, p := range found {
		people[p.Value] = p
	}
	for i := range m.page {
		r := &m.page[i]
		for _, v := range r.values() {
			r.suppressed, r.erased = r.suppressed || people[v].Suppressed, r.erased || erased[v]
		}
	}
	return m.duplicates(ctx, people)
}

// values returns the ids of the row's person.
func (r *Row) values() []string {
	out := make([]string, 0, 2)
	if r.Problem != nil {
		return out
	}
	if r.Phone != "" {
		out = append(out, r.Phone)
	}
	if r.WaID != "" {
		out = append(out, "+"+r.WaID)
	}
	if r.UserID != "" {
		out = append(out, r.UserID)
	}
	return out
}

// keys returns by what the row's person is known again: the ids and, if several
// are known, the person's number.
func (r *Row) keys(people map[string]person) []string {
	out := r.values()
	for _, v := range out {
		if p := people[v].Number; p != nil {
			out = append(out, fmt.Sprint("person ", *p))
		}
	}
	return out
}

const (
	sqlKeys = `
INSERT INTO import_keys (import_id, key, row) SELECT $1, k.key, k.row FROM unnest($2::text[], $3::integer[]) k (key, row)
ON CONFLICT DO NOTHING`
	sqlKnownKeys = `SELECT key FROM import_keys WHERE import_id = $1 AND key = ANY($2) AND row < $3`
)

// duplicates marks the rows of persons that came earlier in the file.
func (m *merge) duplicates(ctx context.Context, people map[string]person) error {
	first := make(map[string]int, len(m.page)) // the first row of the page that has a key
	var others []string
	for i := range m.page {
		r := &m.page[i]
		for _, key := range r.keys(people) {
			if k, ok := first[key]; ok {
				r.duplicate = r.duplicate || k != i
				continue
			}
			first[key] = i
			before, kept := m.i.Seen.add(key)
			if r.duplicate = r.duplicate || before; !kept {
				others = append(others, key)
			}
		}
	}
	return m.others(ctx, others, first)
}

// others marks rows by the keys that are kept in the database.
func (m *merge) others(ctx context.Context, keys []string, first map[string]int) error {
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	rows := make([]int64, len(keys))
	for i, key := range keys {
		rows[i] = int64(m.page[first[key]].Number)
	}
	done, err := m.tx.ExecContext(ctx, sqlKeys, m.i.ID, pq.Array(keys), pq.Array(rows))
	if err != nil {
		return pg.Wrap("store keys of import", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == int64(len(keys)) {
		return pg.Wrap("count keys of import", err)
	}
	var known []string
	err = m.tx.SelectContext(ctx, &known, sqlKnownKeys, m.i.ID, pq.Array(keys), m.page[0].Number)
	for _, key := range known {
		m.page[first[key]].duplicate = true
	}
	return pg.Wrap("look for duplicates of import", err)
}

// ended returns what has become of a row before any of it is written, or "".
func (r *Row) ended() string {
	switch {
	case r.duplicate:
		return "duplicate"
	case r.erased: // nothing of the row is kept
		return "suppressed"
	}
	return ""
}
