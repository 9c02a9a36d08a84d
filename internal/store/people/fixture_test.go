package people_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/worker/workertest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with an account and a channel in it.
type fixture struct {
	*workertest.Fixture
	people *people.People
	db     *pg.DB
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{Fixture: workertest.Open(t)}
	f.db = f.Connect(t)
	f.people = people.New(f.db)
	return f
}

// scopes returns what is suppressed of each id.
func (f *fixture) scopes(t *testing.T) map[string]string {
	t.Helper()
	ps, err := f.Accounts.Suppressions(t.Context(), f.Account, "", "", 10_000)
	workertest.Must(t, err)
	out := map[string]string{}
	for _, p := range ps {
		out[p.Phone] = p.Scope
	}
	return out
}
