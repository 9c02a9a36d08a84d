package cli

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/migrations"
)

// migrate status shows below a missing migration what it would lock; --json has the
// numbers.
func TestMigrateStatus_ShowsLocks(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id IN (71, 84)"); err != nil {
		t.Fatal(err)
	}
	r := sendoff("", "migrate", "status", "--postgres-url", url)
	shown := strings.Join(strings.Fields(r.Out), " ") // the longest name decides how wide a column is
	for _, want := range []string{
		"00071_template_quality.sql missing takes ACCESS EXCLUSIVE on templates for less than a second: only the catalogue changes",
		"00084_campaign_changes.sql missing locks nothing that is in use",
	} {
		if r.Code != 0 || !strings.Contains(shown, want) {
			t.Errorf("code %d: %s\nlacks %s", r.Code, r.Out, want)
		}
	}
	for _, m := range clitest.Read[[]migrations.Status](t, sendoff("", "migrate", "status", "--json", "--postgres-url", url)) {
		switch {
		case m.Version == 71 && (len(m.Locks) != 1 || m.Locks[0].Table != "templates" || m.Locks[0].Strength != "ACCESS EXCLUSIVE"):
			t.Errorf("%+v", m)
		case m.Applied == (m.Locks != nil):
			t.Errorf("%s: applied %t, locks %v", m.Name, m.Applied, m.Locks)
		}
	}
}

// drafts returns a function that makes pages of messages of one channel.
func drafts(t *testing.T, url string) func(n int) []store.NewMessage {
	t.Helper()
	accounts := account.New(storetest.Open(t, url, 2))
	a, err := accounts.CreateAccount(t.Context(), "Test")
	storetest.Must(t, err)
	ch, err := accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: a.ID, Name: "meta", Provider: "meta", Kind: "whatsapp", Sender: "+15550000000",
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	storetest.Must(t, err)
	return func(n int) []store.NewMessage {
		page := make([]store.NewMessage, n)
		for i := range page {
			m := &dispatch.Message{ID: dispatch.NewID(), Account: a.ID, Channel: ch.ID, Lane: dispatch.Bulk, To: "+15550000001", Raw: `{}`}
			m.Content.Type = dispatch.TypeText
			page[i] = store.NewMessage{Message: m, TTL: time.Hour, Paged: true}
		}
		return page
	}
}

// migrate contract --undo writes a row for every message of a page, and processes write none
// in pages until migrate contract.
func TestMigrateContract(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db := storetest.Open(t, url, 4)
	ctx, s, accounts := t.Context(), store.New(db), account.New(db)
	page := drafts(t, url)(40)
	_, err := s.InsertMessages(ctx, page)
	storetest.Must(t, err)
	_, _, err = s.ClaimDue(ctx, page[0].Channel, dispatch.Bulk, 10, dispatch.NewID(), time.Minute, true)
	storetest.Must(t, err)
	at := func(want int) {
		t.Helper()
		if _, contracted, err := accounts.ConfigVersion(ctx); err != nil || contracted != want {
			t.Errorf("contracted up to %d, want %d: %v", contracted, want, err)
		}
	}
	at(store.PagesFrom) // a new installation: no binary before has run
	r := sendoff("", "migrate", "contract", "--undo", "--postgres-url", url)
	at(0)
	var ready, claimed int
	storetest.Must(t, db.QueryRowxContext(ctx, `SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1) FROM dispatch`).
		Scan(&ready, &claimed))
	if r.Code != 0 || !strings.Contains(r.Out, "rewritten: 3") || ready != 30 || claimed != 10 {
		t.Errorf("code %d, %s: %d ready, %d claimed", r.Code, r.Out, ready, claimed)
	}
	done := clitest.Read[contracted](t, sendoff("", "migrate", "contract", "--json", "--postgres-url", url))
	if at(store.PagesFrom); done.Contracted != store.PagesFrom {
		t.Errorf("%+v", done)
	}
}

// What a migration brings is not contracted before it is applied: processes would write it as
// soon as it is, beside those of the version before.
func TestMigrateContract_MissingMigration_IsRefused(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	for range 100 {
		if name, err := migrations.Down(t.Context(), url); err != nil || strings.HasPrefix(name, fmt.Sprintf("%05d_", store.PagesFrom)) {
			storetest.Must(t, err)
			break
		}
	}
	r := sendoff("", "migrate", "contract", "--postgres-url", url)
	if r.Code == 0 || !strings.Contains(r.Out+r.Err, "migrate status") {
		t.Errorf("code %d: %s %s", r.Code, r.Out, r.Err)
	}
	_, upTo, err := account.New(storetest.Open(t, url, 1)).ConfigVersion(t.Context())
	if err != nil || upTo >= store.PagesFrom {
		t.Errorf("contracted up to %d (%v)", upTo, err)
	}
}

// A step that finds the database busy is repeated: what is undone by half, no version reads.
func TestMigrateContract_Undo_GoesOnWhenBusy(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db := storetest.Open(t, url, 4)
	_, err := store.New(db).InsertMessages(t.Context(), drafts(t, url)(16))
	storetest.Must(t, err)
	undone := make(chan clitest.Result, 1)
	storetest.Must(t, db.Tx(t.Context(), func(tx *pg.DB) error {
		_, err := tx.ExecContext(t.Context(), `SELECT 1 FROM backlog FOR UPDATE`)
		storetest.Must(t, err)
		go func() { undone <- sendoff("", "migrate", "contract", "--undo", "--postgres-url", url) }()
		var first, now string
		waits := func(began *string) bool { // when the statement began that waits for us
			return db.QueryRowxContext(t.Context(), `SELECT query_start::text FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(began) == nil
		}
		wait.Until(t, "it waits", func() bool { return waits(&first) })
		wait.Until(t, "it waits once more", func() bool { return waits(&now) && now != first })
		return nil
	}))
	if r := <-undone; r.Code != 0 || !strings.Contains(r.Out, "rewritten: 2") {
		t.Errorf("code %d: %s%s", r.Code, r.Out, r.Err)
	}
}

// A page that a process had begun to write is opened too: undo waits for as long as such a
// write may take.
func TestMigrateContract_Undo_WaitsForWrites(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	ctx, s, accounts, draft := t.Context(), store.New(storetest.Open(t, url, 4)), account.New(storetest.Open(t, url, 2)), drafts(t, url)
	undone := make(chan clitest.Result, 1)
	go func() { undone <- sendoff("", "migrate", "contract", "--undo", "--postgres-url", url) }()
	wait.Until(t, "nothing is contracted", func() bool {
		_, contracted, err := accounts.ConfigVersion(ctx)
		storetest.Must(t, err)
		return contracted == 0
	})
	tick, late := time.NewTicker(200*time.Millisecond), time.Now().Add(11*time.Second) // a flush gives up after ten
	defer tick.Stop()
	for now := time.Now(); now.Before(late); now = <-tick.C {
		_, err := s.InsertMessages(ctx, draft(16))
		storetest.Must(t, err)
	}
	if r := <-undone; r.Code != 0 {
		t.Errorf("code %d: %s", r.Code, r.Err)
	}
	if backlogs, err := s.Backlogs(ctx, dispatch.Bulk, 10_000); err != nil || len(backlogs) != 1 || backlogs[0].Paged != 0 {
		t.Errorf("%+v, %v", backlogs, err)
	}
}
