package audience

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const lease = "10000000-0000-4000-8000-000000000001"

// fixture is a database with an account.
type fixture struct {
	*Store
	t       *testing.T
	db      *pg.DB
	account int64
}

func open(t *testing.T) *fixture {
	t.Helper()
	box, err := pg.NewBox("a secret key of the tests")
	must(t, err)
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 4, Application: "audience-test", Box: box})
	must(t, err)
	t.Cleanup(db.Close)
	f := &fixture{Store: New(db), t: t, db: db}
	must(t, db.GetContext(t.Context(), &f.account, `INSERT INTO accounts (sid, name) VALUES ('AC1', 'One') RETURNING id`))
	return f
}

func (f *fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatal(err, query)
	}
}

func (f *fixture) text(query string, args ...any) (out string) {
	f.t.Helper()
	must(f.t, f.db.GetContext(f.t.Context(), &out, `SELECT coalesce((`+query+`), '')`, args...))
	return out
}

// run begins an import of a kind, which this process holds.
func (f *fixture) run(kind string, o Options) *Import {
	f.t.Helper()
	i, err := f.CreateImport(f.t.Context(), &Import{Account: f.account, Actor: "cli", Kind: kind}, &o)
	must(f.t, err)
	_, err = f.StartImport(f.t.Context(), f.account, i.ID, "people.csv")
	must(f.t, err)
	taken, found, err := f.Take(f.t.Context(), lease)
	if err != nil || !found || taken.ID != i.ID {
		f.t.Fatalf("took %+v, %v, %v", taken, found, err)
	}
	return &taken
}

// rows are rows with these numbers, from number first on; a number that begins with ! is
// a bad row.
func rows(first int, phones ...string) (out []Row) {
	for i, p := range phones {
		r := Row{Number: first + i, Line: first + i + 1, Phone: p, Name: "New", Fields: json.RawMessage(`{}`)}
		if strings.HasPrefix(p, "!") {
			r.Phone, r.Problem, r.Cells = "", &Problem{Column: "phone", Value: p, Reason: "no number"}, []string{p}
		}
		out = append(out, r)
	}
	return out
}

// counts are those of an import, as it is stored.
func (f *fixture) counts(i *Import) string {
	f.t.Helper()
	now, err := f.Import(f.t.Context(), f.account, i.ID)
	must(f.t, err)
	c := now.Counts
	if sum := c.Created + c.Updated + c.Unchanged + c.Duplicate + c.Suppressed + c.Bad; sum != c.Lines {
		f.t.Errorf("the counts add up to %d of %d lines", sum, c.Lines)
	}
	return fmt.Sprintf("%d lines: %d created, %d updated, %d unchanged, %d duplicate, %d suppressed, %d bad",
		c.Lines, c.Created, c.Updated, c.Unchanged, c.Duplicate, c.Suppressed, c.Bad)
}

// undo takes back what an import wrote.
func (f *fixture) undo(i *Import) {
	f.t.Helper()
	must(f.t, f.End(f.t.Context(), i.ID, lease, Done, ""))
	_, err := f.UndoImport(f.t.Context(), f.account, i.ID)
	must(f.t, err)
	taken, found, err := f.Take(f.t.Context(), lease)
	if err != nil || !found || !taken.Undo {
		f.t.Fatalf("took %+v, %v, %v", taken, found, err)
	}
	for done := false; !done; {
		done, err = f.TakeBack(f.t.Context(), &taken, lease)
		must(f.t, err)
	}
	must(f.t, f.End(f.t.Context(), i.ID, lease, Undone, ""))
}

const a, b, c, d, e = "+15550000101", "+15550000102", "+15550000103", "+15550000104", "+15550000105"

// Each row of a page counts once, a page counts once, and what it wrote is taken back,
// except what was changed again since.
func TestApply_Contacts_CountedOnce_TakenBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, name, fields) VALUES ($1, $2, 'Old', '{"x":1}'), ($1, $3, 'New', '{}')`, f.account, a, b)
	f.exec(`INSERT INTO suppressions (account_id, phone, reason) VALUES ($1, $2, 'stop')`, f.account, d)
	i := f.run(Contacts, Options{})
	page := rows(1, a, b, c, d, c, "!x", e)
	page[0].Fields = json.RawMessage(`{"y":2}`)
	must(t, f.Apply(t.Context(), i, lease, page))
	want := "7 lines: 2 created, 1 updated, 1 unchanged, 1 duplicate, 1 suppressed, 1 bad"
	if got := f.counts(i); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := f.Apply(t.Context(), i, lease, page); !errors.Is(err, ErrLost) {
		t.Errorf("the page once more: %v", err)
	}
	if err := f.Apply(t.Context(), i, "20000000-0000-4000-8000-000000000002", rows(8, e)); !errors.Is(err, ErrLost) {
		t.Errorf("another process: %v", err)
	}
	people := func() string {
		return f.text(`SELECT string_agg(right(phone, 1) || name || fields::text, ' ' ORDER BY phone) FROM contacts`)
	}
	if got := people(); got != `1New{"x": 1, "y": 2} 2New{} 3New{} 4New{} 5New{}` {
		t.Errorf("contacts: %s", got)
	}
	bad, err := f.BadRows(t.Context(), i.ID, 0, 10)
	if err != nil || len(bad) != 1 || bad[0].Row != 6 || string(bad[0].Cells) != `["!x"]` {
		t.Errorf("bad rows: %+v, %v", bad, err)
	}
	f.exec(`UPDATE contacts SET name = 'Mine', updated_at = now() + interval '1 second' WHERE phone = $1`, e)
	f.undo(i)
	if got := people(); got != `1Old{"x": 1} 2New{} 5Mine{}` {
		t.Errorf("contacts after the undoing: %s", got)
	}
	if now, err := f.Import(t.Context(), f.account, i.ID); err != nil || now.Status != Undone {
		t.Errorf("the import: %+v, %v", now, err)
	}
}

// A dry run counts and writes nothing; with keep, contacts that exist stay as they are.
func TestApply_Contacts_DryRunAndKeep(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, name) VALUES ($1, $2, 'Old')`, f.account, a)
	for _, o := range []struct {
		Options
		want, people string
	}{
		{Options{DryRun: true}, "2 lines: 1 created, 1 updated, 0 unchanged, 0 duplicate, 0 suppressed, 0 bad", "1Old"},
		{Options{Keep: true}, "2 lines: 1 created, 0 updated, 1 unchanged, 0 duplicate, 0 suppressed, 0 bad", "1Old 2New"},
	} {
		i := f.run(Contacts, o.Options)
		must(t, f.Apply(t.Context(), i, lease, rows(1, a, b)))
		if got := f.counts(i); got != o.want {
			t.Errorf("%+v: %s, want %s", o.Options, got, o.want)
		}
		if got := f.text(`SELECT string_agg(right(phone, 1) || name, ' ' ORDER BY phone) FROM contacts`); got != o.people {
			t.Errorf("%+v: contacts %s, want %s", o.Options, got, o.people)
		}
		must(t, f.End(t.Context(), i.ID, lease, Done, ""))
	}
}

// A row is about the contact that has any of its ids; one whose ids are those of two
// contacts is bad.
func TestApply_Contacts_ByAnyID(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, wa_id, user_id, name)
		VALUES ($1, NULL, '15550000101', '', 'W'), ($1, NULL, '', 'US.1', 'U')`, f.account)
	page := rows(1, "", "", "", a)
	page[0].WaID, page[1].UserID = "15550000101", "US.1"
	page[2].WaID, page[2].UserID = "15550000101", "US.2"
	page[3].WaID, page[3].UserID = "15550000101", "US.1"
	i := f.run(Contacts, Options{})
	must(t, f.Apply(t.Context(), i, lease, page))
	if got := f.counts(i); got != "4 lines: 0 created, 2 updated, 0 unchanged, 2 duplicate, 0 suppressed, 0 bad" {
		t.Error(got)
	}
	if n := f.text(`SELECT count(*)::text FROM contacts`); n != "2" {
		t.Errorf("%s contacts", n)
	}
	must(t, f.End(t.Context(), i.ID, lease, Done, ""))
	i = f.run(Contacts, Options{})
	torn := rows(1, b)
	torn[0].WaID, torn[0].UserID = "15550000101", "US.1"
	must(t, f.Apply(t.Context(), i, lease, torn))
	if got := f.counts(i); got != "1 lines: 0 created, 0 updated, 0 unchanged, 0 duplicate, 0 suppressed, 1 bad" {
		t.Errorf("ids of two contacts: %s", got)
	}
}

// No import of any kind writes a person again that was erased.
func TestApply_ErasedPerson_IsNotWritten(t *testing.T) {
	t.Parallel()
	f := open(t)
	erased := erasure.New(f.db)
	x, err := erased.CreateErasure(t.Context(), f.account, a)
	must(t, err)
	must(t, erased.Finish(t.Context(), &x, map[string]int64{}))
	for _, kind := range []string{Contacts, Audience, Suppressions} {
		i := f.run(kind, Options{})
		must(t, f.Apply(t.Context(), i, lease, rows(1, a, b)))
		if got := f.counts(i); got != "2 lines: 1 created, 0 updated, 0 unchanged, 0 duplicate, 1 suppressed, 0 bad" {
			t.Errorf("%s: %s", kind, got)
		}
		must(t, f.End(t.Context(), i.ID, lease, Done, ""))
	}
	for _, table := range []string{"contacts", "suppressions", "import_rows", "import_changes"} {
		if n := f.text(`SELECT count(*)::text FROM `+table+` t WHERE strpos(t::text, ltrim($1, '+')) > 0`, a); n != "0" {
			t.Errorf("%s has the person: %s rows", table, n)
		}
	}
}

// Suppressions are added and widened, never narrowed, and taken back as they were.
func TestApply_Suppressions_Widen(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO suppressions (account_id, phone, reason, scope, marketing_at) VALUES ($1, $2, 'stop', 'marketing', now()),
		($1, $3, 'stop', 'all', NULL)`, f.account, a, b)
	page := rows(1, a, b, c, d)
	page[1].Fields, page[2].Fields = json.RawMessage(`{"scope":"marketing"}`), json.RawMessage(`{"scope":"marketing"}`)
	page[3].Problem, page[3].Cells = &Problem{Column: "scope", Reason: "the scope must be all or marketing"}, []string{d}
	i := f.run(Suppressions, Options{})
	must(t, f.Apply(t.Context(), i, lease, page))
	if got := f.counts(i); got != "4 lines: 1 created, 1 updated, 1 unchanged, 0 duplicate, 0 suppressed, 1 bad" {
		t.Error(got)
	}
	scopes := func() string {
		return f.text(`SELECT string_agg(right(phone, 1) || ' ' || scope, ', ' ORDER BY phone) FROM suppressions`)
	}
	if got := scopes(); got != "1 all, 2 all, 3 marketing" {
		t.Errorf("suppressions: %s", got)
	}
	f.undo(i)
	if got := scopes(); got != "1 marketing, 2 all" {
		t.Errorf("suppressions after the undoing: %s", got)
	}
}

// A file is added to at its end only, and read back as it was sent until its import ends.
func TestUpload_AtItsEnd_ReadBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	i, err := f.CreateImport(t.Context(), &Import{Account: f.account, Actor: "cli", Kind: Contacts}, &Options{})
	must(t, err)
	for _, p := range []struct {
		offset int64
		data   string
		fails  bool
	}{{0, "phone\n", false}, {0, "phone\n", true}, {7, "x", true}, {6, a + "\n", false}, {6, "", false}} {
		err := f.Append(t.Context(), f.account, i.ID, p.offset, []byte(p.data))
		if p.fails != (dispatch.CodeOf(err) == dispatch.Conflict) || !p.fails && err != nil {
			t.Errorf("%q at %d: %v", p.data, p.offset, err)
		}
	}
	if err := f.Append(t.Context(), f.account+1, i.ID, 19, []byte("x")); dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("another account: %v", err)
	}
	all, err := io.ReadAll(f.Upload(t.Context(), i.ID))
	if err != nil || string(all) != "phone\n"+a+"\n" {
		t.Errorf("read %q, %v", all, err)
	}
	must(t, f.FailUpload(t.Context(), f.account, i.ID, "broke off"))
	now, err := f.Import(t.Context(), f.account, i.ID)
	if err != nil || now.Status != Failed || now.Error != "broke off" || now.Received != 19 {
		t.Errorf("the import: %+v, %v", now, err)
	}
	if all, err := io.ReadAll(f.Upload(t.Context(), i.ID)); err != nil || len(all) != 0 {
		t.Errorf("%d bytes are left, %v", len(all), err)
	}
}

// An import belongs to one process until its lease ends, or it is released.
func TestTake_OneProcess(t *testing.T) {
	t.Parallel()
	f := open(t)
	const other = "20000000-0000-4000-8000-000000000002"
	i := f.run(Contacts, Options{})
	if _, found, err := f.Take(t.Context(), other); err != nil || found {
		t.Errorf("two processes have it: %v, %v", found, err)
	}
	must(t, f.Renew(t.Context(), i.ID, lease))
	f.exec(`UPDATE imports SET lease_until = now() - interval '1 second'`)
	if _, found, err := f.Take(t.Context(), other); err != nil || !found {
		t.Errorf("after the lease: %v, %v", found, err)
	}
	for name, err := range map[string]error{
		"renew": f.Renew(t.Context(), i.ID, lease), "end": f.End(t.Context(), i.ID, lease, Done, ""),
		"describe": f.Describe(t.Context(), i.ID, lease, "csv", "utf-8", ",", []byte(`[]`)),
	} {
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s by the process before: %v", name, err)
		}
	}
	must(t, f.Release(t.Context(), i.ID, other, 0))
	if _, found, err := f.Take(t.Context(), lease); err != nil || !found {
		t.Errorf("after it was released: %v, %v", found, err)
	}
}

// Uploads and stopped imports that nobody goes on with end after a week, with their files.
func TestSweep_EndsWhatWasAbandoned(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 2 {
		i, err := f.CreateImport(t.Context(), &Import{Account: f.account, Actor: "cli", Kind: Contacts}, &Options{})
		must(t, err)
		must(t, f.Append(t.Context(), f.account, i.ID, 0, []byte("phone\n")))
	}
	f.exec(`UPDATE imports SET updated_at = now() - interval '8 days' WHERE id = (SELECT min(id) FROM imports)`)
	must(t, f.Sweep(t.Context()))
	if got := f.text(`SELECT string_agg(i.status || ' ' || (c.data IS NOT NULL), ', ' ORDER BY i.id) FROM imports i
		LEFT JOIN import_chunks c ON c.import_id = i.id`); got != "failed false, uploading true" {
		t.Errorf("imports: %s", got)
	}
}

// An import ends also where its file cannot be removed in time, as one of 1 GB could not;
// Sweep removes it later, all pages of it. The file of one that runs stays.
func TestEnd_FileInTheWay_EndsAllTheSame(t *testing.T) {
	t.Parallel()
	f := open(t)
	running, i := f.run(Contacts, Options{}), f.run(Contacts, Options{})
	f.exec(`INSERT INTO import_chunks (import_id, start, data) SELECT i, n, 'x' FROM generate_series(1, 40) n, unnest($1::bigint[]) i`,
		fmt.Sprintf("{%d,%d}", running.ID, i.ID))
	f.exec(`INSERT INTO import_keys (import_id, key, row) SELECT $1, n, n FROM generate_series(1, 10001) n`, i.ID)
	left := func() string {
		return f.text(`SELECT string_agg(i.status || ' ' || (SELECT count(*) FROM import_chunks c WHERE c.import_id = i.id) || ' ' ||
			(SELECT count(*) FROM import_keys k WHERE k.import_id = i.id), ', ' ORDER BY i.id) FROM imports i`)
	}
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM import_chunks WHERE import_id = $1 FOR UPDATE`, i.ID); err != nil {
			return err
		}
		must(t, f.End(t.Context(), i.ID, lease, Done, ""))
		if got := left(); got != "running 40 0, done 40 10001" {
			t.Errorf("ended: %s", got)
		}
		return nil
	}))
	must(t, f.Sweep(t.Context()))
	if got := left(); got != "running 40 0, done 0 0" {
		t.Errorf("swept: %s", got)
	}
	must(t, f.FailUpload(t.Context(), f.account, running.ID, "broke off"))
	if got := left(); got != "running 40 0, done 0 0" {
		t.Errorf("an upload that is over was ended: %s", got)
	}
	must(t, f.End(t.Context(), running.ID, lease, Failed, "test"))
	if got := left(); got != "failed 0 0, done 0 0" {
		t.Errorf("ended: %s", got)
	}
}
