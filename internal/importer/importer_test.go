package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with an account and a list.
type fixture struct {
	t             testing.TB
	db            *pg.DB
	store         *audience.Store
	account, list int64
}

func open(t testing.TB) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 8)
	accounts := account.New(db)
	a, err := accounts.CreateAccount(t.Context(), "Test")
	must(t, err)
	l, err := accounts.CreateList(t.Context(), a.ID, "List", "")
	must(t, err)
	return &fixture{t: t, db: db, store: audience.New(db), account: a.ID, list: l.ID}
}

var must = storetest.Must

// upload creates an import of a file that is ready to run.
func (f *fixture) upload(i audience.Import, o audience.Options, file string) audience.Import {
	f.t.Helper()
	i.Account, i.Actor = f.account, "test"
	i, err := f.store.CreateImport(f.t.Context(), &i, &o)
	must(f.t, err)
	const chunk = 1 << 16
	for at := 0; at < len(file); at += chunk {
		must(f.t, f.store.Append(f.t.Context(), f.account, i.ID, int64(at), []byte(file[at:min(at+chunk, len(file))])))
	}
	i, err = f.store.StartImport(f.t.Context(), f.account, i.ID, "test.csv")
	must(f.t, err)
	return i
}

// run runs what is to be run, and returns the import as it is then.
func (f *fixture) run(id int64) audience.Import {
	f.t.Helper()
	m := New(f.store, slog.New(slog.NewTextHandler(f.t.Output(), nil)))
	for {
		i, found, err := f.store.Take(f.t.Context(), lease())
		must(f.t, err)
		if !found {
			break
		}
		var of string
		f.get(&of, `SELECT lease FROM imports WHERE id = $1`, i.ID)
		m.run(f.t.Context(), &i, of)
	}
	return f.read(id)
}

func (f *fixture) read(id int64) audience.Import {
	f.t.Helper()
	i, err := f.store.Import(f.t.Context(), f.account, id)
	must(f.t, err)
	if c := i.Counts; c.Created+c.Updated+c.Unchanged+c.Duplicate+c.Suppressed+c.Bad != c.Lines {
		f.t.Errorf("the counts do not add up: %+v", c)
	}
	return i
}

func (f *fixture) load(i audience.Import, o audience.Options, file string) audience.Import {
	f.t.Helper()
	return f.run(f.upload(i, o, file).ID)
}

func (f *fixture) undo(id int64) audience.Import {
	f.t.Helper()
	_, err := f.store.UndoImport(f.t.Context(), f.account, id)
	must(f.t, err)
	return f.run(id)
}

func (f *fixture) get(into any, query string, args ...any) {
	f.t.Helper()
	must(f.t, f.db.GetContext(context.Background(), into, query, args...))
}

func (f *fixture) exec(query string, args ...any) sql.Result {
	f.t.Helper()
	r, err := f.db.ExecContext(context.Background(), query, args...)
	must(f.t, err)
	return r
}

// contacts returns the account's contacts as text, one a line.
func (f *fixture) contacts() string {
	f.t.Helper()
	var all string
	f.get(&all, `SELECT coalesce(string_agg(format('%s %s %s %s %s %s %s', coalesce(phone, '-'), wa_id, user_id, name, time_zone, fields,
		(SELECT count(*) FROM list_contacts l WHERE l.contact_id = c.id)), chr(10) ORDER BY id), '')
		FROM contacts c WHERE account_id = $1`, f.account)
	return all
}

func wants(t *testing.T, i audience.Import, status string, want audience.Counts) {
	t.Helper()
	if i.Status != status || i.Counts != want {
		t.Errorf("%s %q %+v, want %s %+v", i.Status, i.Error, i.Counts, status, want)
	}
}

const people = "phone,name,city,time_zone\n+4917612345678,Ada,Köln,Europe/Berlin\n+15550000100,Bo,,\nnobody,Cy,Rome,\n" +
	"+49 176 12345678,Ada again,Bonn,\n+15550000101,Dee,Oslo,\n"

func TestContacts_MergedCountedUndone(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, name, fields) VALUES ($1, '+15550000101', 'D', '{"city":"Rome","n":1}')`, f.account)
	f.exec(`INSERT INTO suppressions (account_id, phone, reason) VALUES ($1, '+15550000100', 'stop')`, f.account)
	before := f.contacts()
	in := audience.Import{Kind: audience.Contacts, List: &f.list}
	dry := f.load(in, audience.Options{DryRun: true}, people)
	counts := audience.Counts{Lines: 5, Created: 1, Updated: 1, Duplicate: 1, Suppressed: 1, Bad: 1}
	wants(t, dry, audience.Done, counts)
	if got := f.contacts(); got != before {
		t.Errorf("a dry run wrote:\n%s", got)
	}
	first := f.load(in, audience.Options{}, people)
	wants(t, first, audience.Done, counts)
	const want = "+15550000101   Dee  {\"n\": 1, \"city\": \"Oslo\"} 1\n" +
		"+15550000100   Bo  {} 1\n+4917612345678   Ada Europe/Berlin {\"city\": \"Köln\"} 1"
	if got := f.contacts(); got != want {
		t.Errorf("contacts:\n%s\nwant\n%s", got, want)
	}
	again := f.load(in, audience.Options{}, people)
	wants(t, again, audience.Done, audience.Counts{Lines: 5, Unchanged: 2, Duplicate: 1, Suppressed: 1, Bad: 1})
	var chunks, keys, suppressed int
	f.get(&chunks, `SELECT count(*) FROM import_chunks`)
	f.get(&keys, `SELECT count(*) FROM import_keys`)
	f.get(&suppressed, `SELECT count(*) FROM suppressions`)
	if chunks != 0 || keys != 0 || suppressed != 1 {
		t.Errorf("%d chunks, %d keys, %d suppressions are left", chunks, keys, suppressed)
	}
	if got := f.undo(first.ID); got.Status != audience.Undone {
		t.Errorf("undone: %+v", got)
	}
	if got := f.contacts(); got != before {
		t.Errorf("undone:\n%s\nwant\n%s", got, before)
	}
	if got := f.undo(first.ID); got.Status != audience.Undone {
		t.Errorf("undone again: %+v", got)
	}
}

func TestUndo_KeepsWhatChangedSince(t *testing.T) {
	t.Parallel()
	f := open(t)
	in := audience.Import{Kind: audience.Contacts}
	first := f.load(in, audience.Options{}, "phone,name\n+15550000100,A\n+15550000101,B\n+15550000102,C\n")
	second := f.load(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone,name\n+15550000101,B2\n")
	f.exec(`UPDATE contacts SET name = 'edited', updated_at = clock_timestamp() WHERE phone = '+15550000102'`)
	if got := f.undo(first.ID); got.Status != audience.Undone {
		t.Fatalf("%+v", got)
	}
	if got, want := f.contacts(), "+15550000101   B2  {} 0\n+15550000102   edited  {} 0"; got != want {
		t.Errorf("contacts:\n%s\nwant\n%s", got, want)
	}
	f.undo(second.ID)
	if got, want := f.contacts(), "+15550000101   B  {} 0\n+15550000102   edited  {} 0"; got != want {
		t.Errorf("contacts:\n%s\nwant\n%s", got, want)
	}
}

func TestContacts_SeveralIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, user_id, name)
		VALUES ($1, '+15550000100', 'DE.1', 'A'), ($1, NULL, 'DE.2', 'B'), ($1, '+15550000101', '', 'C')`, f.account)
	i := f.load(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone,wa_id,user_id,name\n"+
		",,DE.1,A1\n"+ // found by the user id
		"+15550000102,,DE.2,B1\n"+ // gets a number
		"+15550000101,,DE.1,x\n"+ // the first row had DE.1
		"+15550000101,,DE.9,C1\n"+ // the row before had the number
		",5215550000000,,D1\n"+ // new
		"+15550000103,15550000103,DE.3,E1\n")
	wants(t, i, audience.Done, audience.Counts{Lines: 6, Created: 2, Updated: 2, Duplicate: 2})
	want := "+15550000100  DE.1 A1  {} 0\n+15550000102  DE.2 B1  {} 0\n" +
		"+15550000101   C  {} 0\n+15550000103 15550000103 DE.3 E1  {} 0\n- 5215550000000  D1  {} 0"
	if got := f.contacts(); got != want {
		t.Errorf("contacts:\n%s\nwant\n%s", got, want)
	}
	in := audience.Import{Kind: audience.Contacts}
	torn := f.load(in, audience.Options{}, "phone,user_id,city\n+15550000101,DE.1,Oslo\n+15550000109,DE.2,Rome\n")
	wants(t, torn, audience.Done, audience.Counts{Lines: 2, Bad: 2})
	var cells string
	f.get(&cells, `SELECT cells FROM import_rows WHERE import_id = $1 AND row = 1`, torn.ID)
	if cells != `["+15550000101", "DE.1", "Oslo"]` {
		t.Errorf("cells: %s", cells)
	}
}

func TestDuplicates_LinkedPersons(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO identities (account_id, value, person) VALUES ($1, '+4915112345678', 7), ($1, '+4915112345679', 7)`, f.account)
	f.exec(`INSERT INTO suppressions (account_id, phone, reason, scope) VALUES ($1, '+4915112345679', 'stop', 'marketing')`, f.account)
	in := audience.Import{Kind: audience.Audience}
	i := f.load(in, audience.Options{}, "phone,order\n+4915112345678,1\n+4915112345679,2\n+15550000100,3\nx,4\n")
	wants(t, i, audience.Done, audience.Counts{Lines: 4, Created: 1, Duplicate: 1, Suppressed: 1, Bad: 1})
	var rows string
	f.get(&rows, `SELECT string_agg(format('%s %s %s %s', row, result, coalesce(phone, '-'), fields), chr(10) ORDER BY row)
		FROM import_rows WHERE import_id = $1`, i.ID)
	want := `1 suppressed +4915112345678 {"order": "1"}
2 duplicate +4915112345679 {"order": "2"}
3 created +15550000100 {"order": "3"}
4 bad - {}`
	if rows != want {
		t.Errorf("rows:\n%s", rows)
	}
	if got := f.contacts(); got != "" {
		t.Errorf("contacts: %s", got)
	}
	f.undo(i.ID)
	f.get(&rows, `SELECT string_agg(result, ' ') FROM import_rows WHERE import_id = $1`, i.ID)
	if rows != "bad" {
		t.Errorf("rows: %s", rows)
	}
}

func TestSuppressions_AddedNeverLifted(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO suppressions (account_id, phone, reason, scope, manual)
		VALUES ($1, '+15550000100', 'manual', 'marketing', 'marketing'),
		($1, '+15550000101', 'manual', 'all', 'all'), ($1, '+15550000102', 'manual', 'marketing', 'marketing')`, f.account)
	all := func() (s string) {
		f.get(&s, `SELECT string_agg(format('%s %s %s %s %s', phone, scope, reason, coalesce(manual, '-'), detail), chr(10) ORDER BY phone)
			FROM suppressions`)
		return s
	}
	before := all()
	in := "phone,scope,reason,detail\n+15550000100,all,manual,asked\n" +
		"+15550000101,marketing,,\n+15550000103,,stop,\n+15550000104,some,,\n+15550000105,,moved away,\n"
	counts := audience.Counts{Lines: 5, Created: 2, Updated: 1, Unchanged: 1, Bad: 1}
	wants(t, f.load(audience.Import{Kind: audience.Suppressions}, audience.Options{DryRun: true}, in), audience.Done, counts)
	if all() != before {
		t.Errorf("a dry run wrote %s", all())
	}
	i := f.load(audience.Import{Kind: audience.Suppressions}, audience.Options{}, in)
	wants(t, i, audience.Done, counts)
	want := "+15550000100 all manual all asked\n+15550000101 all manual all \n+15550000102 marketing manual marketing \n" +
		"+15550000103 all stop - \n+15550000105 all manual all moved away"
	if got := all(); got != want {
		t.Errorf("suppressions:\n%s\nwant\n%s", got, want)
	}
	f.exec(`UPDATE suppressions SET stopped_at = now() WHERE phone = '+15550000105'`)
	f.undo(i.ID)
	if got, want := all(), before+"\n+15550000105 all manual all moved away"; got != want {
		t.Errorf("undone:\n%s\nwant\n%s", got, want)
	}
}

func TestStopped_ContinuesWithForce(t *testing.T) {
	t.Parallel()
	f := open(t)
	var file strings.Builder
	file.WriteString("phone,name\n")
	for i := range 200 {
		if i%3 == 0 {
			fmt.Fprintf(&file, "x%d,A\n", i)
		} else {
			fmt.Fprintf(&file, "+1555%07d,A\n", i)
		}
	}
	i := f.load(audience.Import{Kind: audience.Contacts}, audience.Options{}, file.String())
	if i.Status != audience.Stopped || i.Bad != 67 || i.Lines != 67 || f.contacts() != "" || i.Error == "" {
		t.Fatalf("%+v", i)
	}
	_, err := f.store.ContinueImport(t.Context(), f.account, i.ID)
	must(t, err)
	wants(t, f.run(i.ID), audience.Done, audience.Counts{Lines: 200, Created: 133, Bad: 67})
	var bad int
	f.get(&bad, `SELECT count(*) FROM import_rows WHERE import_id = $1`, i.ID)
	if bad != 67 {
		t.Errorf("%d bad rows are kept", bad)
	}
}

func TestFailed_NamesTheReason(t *testing.T) {
	t.Parallel()
	f := open(t)
	for file, want := range map[string]string{"": "empty", "a,a\n1,2\n": "two columns", "name\nAda\n": "no column with phone numbers"} {
		i := f.load(audience.Import{Kind: audience.Contacts}, audience.Options{}, file)
		if i.Status != audience.Failed || !strings.Contains(i.Error, want) || i.FinishedAt == nil {
			t.Errorf("%q: %+v", file, i)
		}
	}
}

// A NUL, which Postgres does not store, makes its row bad, wherever it is.
func TestNUL_BadRow(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, c := range []struct{ kind, format, file string }{
		{audience.Contacts, "csv", "phone,name\n+15550000100,A\x00da\n+15550000101,Bo\n"},
		{audience.Audience, "csv", "phone,name\n+1555\x000000102,Ada\n+15550000103,Bo\n"},
		{audience.Suppressions, "csv", "phone,detail\n+15550000104,\x00\n+15550000105,Bo\n"},
		{audience.Contacts, "ndjson", `{"phone":"+15550000106","name":"A\u0000da"}` + "\n" + `{"phone":"+15550000107"}` + "\n"},
		{audience.Audience, "ndjson", `{"phone":"+15550000108","a\u0000b":"x"}` + "\n" + `{"phone":"+15550000109"}` + "\n"},
		{audience.Contacts, "ndjson", "{\"phone\":\"+1555000011\x00\"}\n" + `{"phone":"+15550000112"}` + "\n"},
	} {
		i := f.load(audience.Import{Kind: c.kind}, audience.Options{Format: c.format}, c.file)
		if i.Status != audience.Done || i.Bad != 1 || i.Created != 1 {
			t.Errorf("%q: %s %q, %+v", c.file, i.Status, i.Error, i.Counts)
		}
	}
	i := f.load(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone,a\x00b\n+15550000100,Ada\n")
	if i.Status != audience.Failed || i.Error == "" {
		t.Errorf("a name with NUL: %s %q", i.Status, i.Error)
	}
}

// stuck is a store in which one import cannot go on.
type stuck struct {
	*audience.Store
	id int64
}

func (s stuck) Apply(ctx context.Context, i *audience.Import, lease string, page []audience.Row) error {
	if i.ID == s.id {
		return errors.New("stuck")
	}
	return s.Store.Apply(ctx, i, lease, page)
}

// Imports that cannot go on keep no others waiting.
func TestRun_PassesTheStuck(t *testing.T) {
	t.Parallel()
	f := open(t)
	bad := f.upload(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone\n+15550000100\n")
	next := f.upload(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone\n+15550000101\n")
	m := New(stuck{f.store, bad.ID}, slog.New(slog.DiscardHandler))
	for _, want := range []int64{bad.ID, next.ID} {
		l := lease()
		i, found, err := f.store.Take(t.Context(), l)
		if must(t, err); !found || i.ID != want {
			t.Fatalf("took %d, %t, want %d", i.ID, found, want)
		}
		m.run(t.Context(), &i, l)
	}
	if got := f.read(next.ID); got.Status != audience.Done {
		t.Errorf("%+v", got)
	}
	if got := f.read(bad.ID); got.Status != audience.Running {
		t.Errorf("%+v", got)
	}
	f.exec(`UPDATE imports SET lease_until = clock_timestamp()`)
	wants(t, f.run(bad.ID), audience.Done, audience.Counts{Lines: 1, Created: 1})
}

// A process that is killed between two pages leaves its lease: the next one goes
// on behind the last page that was committed, and the first can write no more.
func TestKilled_AnotherGoesOn(t *testing.T) {
	t.Parallel()
	f := open(t)
	var file strings.Builder
	file.WriteString("phone,name\n")
	const rows = 5*pageRows + 17
	for i := range rows {
		fmt.Fprintf(&file, "+1555%07d,A\n", i%(rows-10)) // ten come twice
	}
	i := f.upload(audience.Import{Kind: audience.Contacts, List: &f.list}, audience.Options{}, file.String())
	first := lease()
	taken, found, err := f.store.Take(t.Context(), first)
	if must(t, err); !found {
		t.Fatal("nothing to take")
	}
	dying, kill := context.WithCancel(t.Context())
	r := run{store: killer{f.store, kill, 3}, i: &taken, lease: first}
	if _, _, err := r.do(dying); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not killed: %v", err)
	}
	if got := f.read(i.ID); got.Lines != 2*pageRows || got.Status != audience.Running {
		t.Fatalf("killed at %+v", got)
	}
	if _, found, err := f.store.Take(t.Context(), lease()); found || err != nil {
		t.Fatalf("taken while it is leased: %v", err)
	}
	f.exec(`UPDATE imports SET lease_until = now() - interval '1 second'`)
	wants(t, f.run(i.ID), audience.Done, audience.Counts{Lines: rows, Created: rows - 10, Duplicate: 10})
	if err := f.store.Renew(t.Context(), i.ID, first); !errors.Is(err, audience.ErrLost) {
		t.Errorf("the first one still has its lease: %v", err)
	}
	var contacts, listed int
	f.get(&contacts, `SELECT count(*) FROM contacts`)
	f.get(&listed, `SELECT count(*) FROM list_contacts`)
	if contacts != rows-10 || listed != contacts {
		t.Errorf("%d contacts, %d on the list", contacts, listed)
	}
}

// killer kills its process at the page n.
type killer struct {
	*audience.Store
	kill func()
	n    int
}

func (k killer) Apply(ctx context.Context, i *audience.Import, lease string, page []audience.Row) error {
	if page[0].Number > (k.n-1)*pageRows {
		k.kill()
	}
	return k.Store.Apply(ctx, i, lease, page)
}

func TestUndo_WhileItRuns(t *testing.T) {
	t.Parallel()
	f := open(t)
	i := f.upload(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone\n+15550000100\n+15550000101\n")
	l := lease()
	taken, _, err := f.store.Take(t.Context(), l)
	must(t, err)
	_, err = f.store.UndoImport(t.Context(), f.account, i.ID)
	must(t, err)
	New(f.store, slog.New(slog.NewTextHandler(f.t.Output(), nil))).run(t.Context(), &taken, l)
	if got := f.run(i.ID); got.Status != audience.Undone || f.contacts() != "" {
		t.Errorf("%+v, %s", got, f.contacts())
	}
}

func TestRun_TakesWhatComes(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); New(f.store, slog.New(slog.NewTextHandler(f.t.Output(), nil))).Run(ctx) }()
	i := f.upload(audience.Import{Kind: audience.Contacts}, audience.Options{}, "phone\n+15550000100\n")
	wait.Until(t, "the import is done", func() bool { return f.read(i.ID).Status == audience.Done })
	if got := f.contacts(); !strings.Contains(got, "+15550000100") {
		t.Errorf("contacts %s", got)
	}
	stop()
	<-ended
}
