package people_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/worker/workertest"
)

// groups returns which ids are one person's, as sorted lists.
func (f *fixture) groups(t *testing.T) [][]string {
	t.Helper()
	var rows []struct {
		Person int64  `db:"person"`
		Value  string `db:"value"`
	}
	workertest.Must(t, f.db.SelectContext(t.Context(), &rows, `SELECT person, value FROM identities WHERE account_id = $1 ORDER BY value`,
		f.Account))
	by := map[int64][]string{}
	for _, r := range rows {
		by[r.Person] = append(by[r.Person], r.Value)
	}
	return sorted(by)
}

func sorted(by map[int64][]string) [][]string {
	var out [][]string
	for _, ids := range by {
		slices.Sort(ids)
		out = append(out, slices.Compact(ids))
	}
	slices.SortFunc(out, func(a, b []string) int { return slices.Compare(a, b) })
	return out
}

// However links come, in one call or many, the persons are those of a model that
// joins one link after the other.
func TestLinkAll_AsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	f := open(t)
	rnd := rand.New(rand.NewPCG(10, 1))
	model := map[string]int64{}
	next := int64(0)
	join := func(ids []string) {
		next++
		for _, id := range ids {
			old, ok := model[id]
			if !ok {
				model[id] = next
				continue
			}
			for k, p := range model {
				if p == old {
					model[k] = next
				}
			}
		}
	}
	for round := range 20 {
		var persons [][]string
		for range 1 + rnd.IntN(12) {
			var ids []string
			for range 1 + rnd.IntN(3) {
				ids = append(ids, fmt.Sprintf("DE.%d", rnd.IntN(60)))
			}
			persons = append(persons, append(ids, ""))
			join(ids)
		}
		workertest.Must(t, f.people.LinkAll(t.Context(), f.Account, append(persons, []string{"+15550000001"}, nil)))
		by := map[int64][]string{}
		for id, p := range model {
			by[p] = append(by[p], id)
		}
		if got, want := f.groups(t), sorted(by); !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("round %d: persons %v, want %v", round, got, want)
		}
	}
}

// Links that share an id make one person, also when they are made at once.
func TestLinkAll_AtOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 10 {
				if err := f.people.Link(t.Context(), f.Account, fmt.Sprintf("DE.%d", (i+k)%20+1), fmt.Sprintf("DE.%d", (i+k+1)%20+1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := f.groups(t); len(got) != 1 || len(got[0]) != 18 {
		t.Errorf("%d persons: %v", len(got), got)
	}
}

// A person is found in a ledger under every name of before two persons became one.
func TestNames_AfterAJoin(t *testing.T) {
	t.Parallel()
	f := open(t)
	names := func(id string) (out []string) {
		t.Helper()
		workertest.Must(t, f.db.SelectContext(t.Context(), &out, `SELECT DISTINCT unnest(`+people.Names("$1::bigint", "$2::text")+`) ORDER BY 1`,
			f.Account, id))
		return out
	}
	var before []string
	for _, ids := range [][]string{{"+551177654321", "+5511977654321"}, {"BR.1", "BR.2"}, {"BR.3", "BR.4"}} {
		workertest.Must(t, f.people.Link(t.Context(), f.Account, ids...))
		before = append(before, names(ids[0])...)
	}
	workertest.Must(t, f.people.Link(t.Context(), f.Account, "BR.1", "BR.3"))
	workertest.Must(t, f.people.Link(t.Context(), f.Account, "BR.4", "+551177654321"))
	slices.Sort(before)
	if got := names("BR.2"); len(got) != 9 || !slices.Equal(got, before) {
		t.Errorf("named %v, want %v", got, before)
	}
	if got := names("+15550000001"); !slices.Equal(got, []string{"+15550000001"}) {
		t.Errorf("an unknown number is named %v", got)
	}
}
