package erasures_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/erasures"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// database implements erasures.Store.
type database struct {
	*erasure.Store
	admin.KnownIDs
	accounts *account.Store
	fails    error // what Change returns, after it has written
}

// Change implements erasures.Store.
func (d *database) Change(ctx context.Context, actor string, f func(erasures.Tx) (account.Note, error)) error {
	return d.accounts.Change(ctx, actor, func(tx *account.Store) (account.Note, error) {
		note, err := f(erasure.New(tx.Tx()))
		return note, errors.Join(err, d.fails)
	})
}

// fixture is the use cases on a database with two accounts and nobody who erases.
type fixture struct {
	*erasures.Service
	*testing.T
	db            *pg.DB
	store         *database
	who, stranger admin.Actor
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 2)
	f := &fixture{T: t, db: db, store: &database{erasure.New(db), store.New(db), account.New(db), nil}}
	f.Service = erasures.New(f.store)
	for _, who := range []*admin.Actor{&f.who, &f.stranger} {
		a, err := f.store.accounts.CreateAccount(t.Context(), "Test")
		must(t, err)
		*who = admin.KeyActor(a.ID, 7, false, auth.AllPermissions)
	}
	f.who.Region = "DE"
	return f
}

func (f *fixture) count(query string, args ...any) (n int) {
	f.Helper()
	must(f, f.db.GetContext(f.Context(), &n, query, args...))
	return n
}

// Whatever names a person, the request is stored with the audit entry, which does not
// name the person, and only the account's own are found.
func TestCreate_ByEveryID(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := t.Context()
	for i, p := range []admin.Person{
		{Phone: "+15550000100"}, {Phone: "0151 23456789"}, {WaID: "4915123456780"}, {UserID: "DE.2000"}, {Phone: "+15550000100"},
	} {
		made, err := f.Create(ctx, f.who, erasures.Input{Person: p})
		must(t, err)
		if made.Status != "running" || made.FinishedAt != nil || made.CreatedAt.IsZero() ||
			made.Location() != fmt.Sprintf("/v1/erasures/%d", made.ID) {
			t.Errorf("%+v: %+v", p, made)
		}
		got, err := f.Get(ctx, f.who, made.ID)
		if err != nil || got.ID != made.ID || got.Status != "running" || len(got.Removed) != 0 {
			t.Errorf("%+v: got %+v, %v", p, got, err)
		}
		if _, err := f.Get(ctx, f.stranger, made.ID); dispatch.CodeOf(err) != dispatch.NotFound {
			t.Errorf("another account's erasure: %v", err)
		}
		if n := f.count(`SELECT count(*) FROM audit_log WHERE account_id = $1 AND action = 'erasure.create'`, f.who.Account); n != i+1 {
			t.Errorf("%d audit entries after %d erasures", n, i+1)
		}
	}
	if _, err := f.Get(ctx, f.who, 1<<40); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Errorf("an erasure that never was: %v", err)
	}
	for _, secret := range []string{"5550000100", "15123456789", "15123456780", "DE.2000"} {
		if n := f.count(`SELECT count(*) FROM audit_log a WHERE strpos(a::text, $1) > 0`, secret); n != 0 {
			t.Errorf("the audit log names %s", secret)
		}
	}
}

// What is refused, or fails in its transaction, leaves nothing.
func TestCreate_Refused(t *testing.T) {
	t.Parallel()
	f := open(t)
	for want, p := range map[string]admin.Person{
		"/phone is required":  {},
		"/phone one of":       {Phone: "+15550000100", UserID: "DE.2000"},
		"/phone not a number": {Phone: "+1"},
		"/wa_id digits":       {WaID: "DE.2000"},
		"/user_id":            {UserID: "+15550000100"},
		"/phone too long":     {Phone: "+" + strings.Repeat("1", 60)},
	} {
		_, err := f.Create(t.Context(), f.who, erasures.Input{Person: p})
		pointer, _, _ := strings.Cut(want, " ")
		if e := dispatch.AsError(err); dispatch.CodeOf(err) != dispatch.Invalid || len(e.Faults) != 1 || e.Faults[0].Field != pointer {
			t.Errorf("%s: %v", want, err)
		}
	}
	f.store.fails = errors.New("the disk is full")
	if _, err := f.Create(t.Context(), f.who, erasures.Input{Person: admin.Person{Phone: "+15550000100"}}); !errors.Is(err, f.store.fails) {
		t.Errorf("got %v", err)
	}
	if n := f.count(`SELECT (SELECT count(*) FROM erasures) + (SELECT count(*) FROM audit_log WHERE action LIKE 'erasure%')`); n != 0 {
		t.Errorf("%d rows are left of what was refused", n)
	}
}

// A finished erasure shows when it ended and what is gone.
func TestGet_Finished(t *testing.T) {
	t.Parallel()
	f := open(t)
	made, err := f.Create(t.Context(), f.who, erasures.Input{Person: admin.Person{Phone: "+15550000100"}})
	must(t, err)
	_, err = f.db.ExecContext(t.Context(), `UPDATE erasures SET finished_at = now() WHERE id = $1`, made.ID)
	must(t, err)
	got, err := f.Get(t.Context(), f.who, made.ID)
	if must(t, err); got.Status != "done" || got.FinishedAt == nil || got.FinishedAt.Location().String() != "UTC" {
		t.Errorf("got %+v", got)
	}
}
