package imports_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

type audienceStore = audience.Store

// tables is the database as imports see it.
type tables struct {
	*audienceStore
	*account.Store
}

// database implements imports.Store.
type database struct{ tables }

// Change implements imports.Store.
func (d database) Change(ctx context.Context, actor string, f func(imports.Tx) (account.Note, error)) error {
	return d.Store.Change(ctx, actor, func(tx *account.Store) (account.Note, error) {
		return f(tables{audience.New(tx.Tx()), account.New(tx.Tx())})
	})
}

// fixture is the use cases on a database with two accounts and nobody who runs imports.
type fixture struct {
	*imports.Service
	t             *testing.T
	db            *pg.DB
	who, stranger admin.Actor
}

func open(t *testing.T) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 2)
	f := &fixture{Service: imports.New(database{tables{audience.New(db), account.New(db)}}), t: t, db: db}
	for _, who := range []*admin.Actor{&f.who, &f.stranger} {
		a, err := account.New(db).CreateAccount(t.Context(), "Test")
		must(t, err)
		*who = admin.KeyActor(a.ID, 7, false, auth.AllPermissions)
	}
	return f
}

func (f *fixture) create(kind string) int64 {
	f.t.Helper()
	i, err := f.Create(f.t.Context(), f.who, &imports.Input{Kind: kind})
	must(f.t, err)
	return i.ID
}

// file returns what is stored of an upload.
func (f *fixture) file(id int64) string {
	f.t.Helper()
	var b []byte
	must(f.t, f.db.GetContext(f.t.Context(), &b,
		`SELECT coalesce(string_agg(data, '' ORDER BY start), '') FROM import_chunks WHERE import_id = $1`, id))
	return string(b)
}

// An upload goes on where it broke off. A source that breaks off is an error, also
// one that says so as readers of whole buffers do; what came before it is kept.
func TestReceive_BreaksOffAndGoesOn(t *testing.T) {
	t.Parallel()
	f := open(t)
	file := "phone\n" + strings.Repeat("+15550000100\n", 200_000) // several chunks
	id := f.create("contacts")
	for _, broken := range []error{io.ErrUnexpectedEOF, errors.New("reset")} {
		src := io.MultiReader(strings.NewReader(file[:1_500_000]), iotest.ErrReader(broken))
		if n, err := f.Receive(t.Context(), f.who, id, 0, src); n != 1_500_000 || !errors.Is(err, broken) {
			t.Errorf("received %d, %v", n, err)
		}
	}
	beyond, err := f.Receive(t.Context(), f.who, id, 1_500_001, strings.NewReader("x"))
	if beyond != 1_500_000 || dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("beyond the end: %d, %v", beyond, err)
	}
	if n, err := f.Receive(t.Context(), f.who, id, 10, strings.NewReader(file[10:100])); n != 1_500_000 || err != nil {
		t.Errorf("a repeat: %d, %v", n, err)
	}
	if n, err := f.Receive(t.Context(), f.who, id, 1_400_000, strings.NewReader(file[1_400_000:])); n != int64(len(file)) || err != nil {
		t.Errorf("the rest: %d, %v", n, err)
	}
	if f.file(id) != file {
		t.Error("another file is stored")
	}
	i, err := f.Finish(t.Context(), f.who, id, "a.csv")
	if err != nil || i.Status != "running" || i.File != "a.csv" {
		t.Errorf("finished: %+v, %v", i, err)
	}
	if again, err := f.Finish(t.Context(), f.who, id, "b.csv"); err != nil || again.File != "a.csv" {
		t.Errorf("finished again: %+v, %v", again, err)
	}
	if _, err := f.Receive(t.Context(), f.who, id, int64(len(file)), strings.NewReader("x")); dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("behind the end: %v", err)
	}
}

// An upload that nobody can go on with fails, with its reason and without its file.
func TestAbort(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.create("audience")
	_, err := f.Receive(t.Context(), f.who, id, 0, strings.NewReader("phone\n"))
	must(t, err)
	must(t, f.Abort(t.Context(), f.who, id, "it ended"))
	i, err := f.Get(t.Context(), f.who, id)
	if err != nil || i.Status != "failed" || i.Error != "it ended" || i.FinishedAt == nil || f.file(id) != "" {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := f.Finish(t.Context(), f.who, id, ""); dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("finished: %v", err)
	}
	if _, err := f.Continue(t.Context(), f.who, id); dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("continued: %v", err)
	}
}

// Settings that no file can have are refused before there is a file.
func TestCreate_Refused(t *testing.T) {
	t.Parallel()
	f := open(t)
	var list, campaign int64
	theirs := f.stranger.Account
	must(t, f.db.GetContext(t.Context(), &list, `INSERT INTO lists (account_id, name) VALUES ($1, 'Theirs') RETURNING id`, theirs))
	must(t, f.db.GetContext(t.Context(), &campaign,
		`INSERT INTO campaigns (account_id, name, definition) VALUES ($1, 'Theirs', '{}') RETURNING id`, theirs))
	for name, in := range map[string]imports.Input{
		"/kind":     {Kind: "people"},
		"/list":     {Kind: "contacts", List: list},
		"/campaign": {Kind: "audience", Campaign: campaign},
		"list of":   {Kind: "audience", List: list},
		"country":   {Kind: "contacts", Options: audience.Options{DefaultCountry: "XX"}},
		"map":       {Kind: "contacts", Options: audience.Options{Map: []string{"a:b"}}},
	} {
		if _, err := f.Create(t.Context(), f.who, &in); dispatch.CodeOf(err) != dispatch.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	var n int
	must(t, f.db.GetContext(t.Context(), &n,
		`SELECT (SELECT count(*) FROM imports) + (SELECT count(*) FROM audit_log WHERE action LIKE 'import%')`))
	if n != 0 {
		t.Errorf("%d imports and entries", n)
	}
}

// Imports of another account are not found, by any way.
func TestImports_OfOthers(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.create("contacts")
	for name, do := range map[string]func() error{
		"get":      func() error { _, err := f.Get(t.Context(), f.stranger, id); return err },
		"receive":  func() error { _, err := f.Receive(t.Context(), f.stranger, id, 0, strings.NewReader("x")); return err },
		"finish":   func() error { _, err := f.Finish(t.Context(), f.stranger, id, ""); return err },
		"continue": func() error { _, err := f.Continue(t.Context(), f.stranger, id); return err },
		"undo":     func() error { _, err := f.Undo(t.Context(), f.stranger, id); return err },
		"errors":   func() error { return f.Errors(t.Context(), f.stranger, id, io.Discard) },
	} {
		if err := do(); dispatch.CodeOf(err) != dispatch.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, f.Abort(t.Context(), f.stranger, id, "no"))
	list, err := f.List(t.Context(), f.stranger, imports.Filter{Paging: admin.Paging{Limit: 10}})
	if i, e := f.Get(t.Context(), f.who, id); err != nil || len(list.Data) != 0 || e != nil || i.Status != "uploading" {
		t.Errorf("%d imports, %v; %+v, %v", len(list.Data), err, i, e)
	}
}

// What is exported has every contact of the account or the list, and nothing that a
// spreadsheet would run.
func TestExports(t *testing.T) {
	t.Parallel()
	f := open(t)
	_, err := f.db.ExecContext(t.Context(), `WITH c AS (INSERT INTO contacts (account_id, phone, wa_id, user_id, name, fields) VALUES
		($1, '+15550000100', '', '', '=1+1', '{"city": "@x", "n": 1}'), ($1, NULL, '4917612345678', 'DE.1', 'Bo', '{}'),
		($2, '+15550000101', '', '', 'Theirs', '{}') RETURNING id, name),
		l AS (INSERT INTO lists (account_id, name) VALUES ($1, 'List') RETURNING id)
		INSERT INTO list_contacts (list_id, contact_id) SELECT l.id, c.id FROM l, c WHERE c.name = 'Bo'`, f.who.Account, f.stranger.Account)
	must(t, err)
	_, err = f.db.ExecContext(t.Context(), `INSERT INTO suppressions (account_id, phone, reason, detail, created_at) VALUES
		($1, 'DE.1', 'stop', '', '2026-01-02T03:04:05Z'), ($1, '+15550000100', 'manual', '-1', '2026-01-02T03:04:05Z')`, f.who.Account)
	must(t, err)
	var all, one, held bytes.Buffer
	must(t, f.Contacts(t.Context(), f.who, 0, &all))
	must(t, f.Contacts(t.Context(), f.who, 1, &one))
	must(t, f.Suppressions(t.Context(), f.who, &held))
	for _, c := range []struct{ name, got, want string }{
		{"contacts", all.String(), "phone,wa_id,user_id,name,time_zone,fields.city,fields.n,fields\n" +
			"'+15550000100,,,'=1+1,,'@x,,\"{\"\"n\"\":1}\"\n,4917612345678,DE.1,Bo,,,,\n"},
		{"a list", one.String(), "phone,wa_id,user_id,name,time_zone,fields\n,4917612345678,DE.1,Bo,,\n"},
		{"suppressions", held.String(), "phone,wa_id,user_id,scope,reason,detail,created_at\n" +
			"'+15550000100,,,all,manual,'-1,2026-01-02T03:04:05Z\n,,DE.1,all,stop,,2026-01-02T03:04:05Z\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, c.got, c.want)
		}
	}
	if err := f.Contacts(t.Context(), f.stranger, 1, io.Discard); dispatch.CodeOf(err) != dispatch.NotFound {
		t.Errorf("the list of another account: %v", err)
	}
}
