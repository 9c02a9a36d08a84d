package admin_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// public is where providers reach the API.
const public = "https://sendoff.example.com"

// fixture is the administration on a database of its own, with two accounts.
type fixture struct {
	*admin.Service
	t        *testing.T
	db       *sql.DB // for what no use case does
	who      admin.Actor
	stranger admin.Actor
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	url := storetest.Postgres(t)
	pool := storetest.Open(t, url, 4)
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &fixture{Service: app.Admin(pool, public, nil), t: t, db: db}
	f.who, f.stranger = f.account("One"), f.account("Two")
	return f
}

// account creates an account and returns a key of it as the actor.
func (f *fixture) account(name string) admin.Actor {
	f.t.Helper()
	a, err := f.CreateAccount(f.t.Context(), admin.CLI(0), admin.AccountCreate{Name: name})
	if err != nil {
		f.t.Fatal(err)
	}
	return admin.KeyActor(a.ID, 7, false, auth.AllPermissions)
}

// refused fails the test unless err has the code, and faults at the pointers.
func refused(t *testing.T, err error, code dispatch.Code, pointers ...string) {
	t.Helper()
	if err == nil || dispatch.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	at := []string{}
	for _, f := range dispatch.AsError(err).Faults {
		at = append(at, f.Field)
	}
	slices.Sort(at)
	slices.Sort(pointers)
	if !slices.Equal(at, append([]string{}, pointers...)) {
		t.Errorf("faults %v, want %v: %v", at, pointers, err)
	}
}

// actions returns the actions in the account's audit log, oldest first.
func (f *fixture) actions() []string {
	f.t.Helper()
	log, err := f.Audit(f.t.Context(), f.who, admin.AuditFilter{})
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(log.Data) {
		if e.Actor == "key:7" {
			out = append(out, e.Action+" "+e.Target)
		}
	}
	return out
}

// noted fails the test unless the audit log has just these entries.
func (f *fixture) noted(want ...string) {
	f.t.Helper()
	if got := f.actions(); !slices.Equal(got, want) {
		f.t.Errorf("audit log %v, want %v", got, want)
	}
}

// count counts rows.
func (f *fixture) count(from string) (n int) {
	f.t.Helper()
	if err := f.db.QueryRowContext(f.t.Context(), `SELECT count(*) FROM `+from).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// exec runs SQL that no use case has.
func (f *fixture) exec(statements ...string) {
	f.t.Helper()
	for _, s := range statements {
		if _, err := f.db.ExecContext(f.t.Context(), s); err != nil {
			f.t.Fatalf("%s: %v", strings.Fields(s)[0], err)
		}
	}
}
