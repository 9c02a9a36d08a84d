package pg_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestParseURL_RefusedWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, want string }{
		{"mysql://h/db", "must look like"},
		{"postgres://user:sek/rit@host:5432/db", "%2F"},
		{"postgres://user:12/sekrit@host:5432/db?sslmode=disable", "%2F"},
		{"postgres://user:sekrit@host:port/db", "must look like"},
	} {
		_, err := pg.ParseURL(c.url)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sek") {
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		}
	}
}

// The form of Postgres' manual; the first host is down.
func TestOpen_SeveralHosts(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = "127.0.0.1:1," + u.Host
	if err := open(t, u.String()).Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func TestCure_NamesTheStep(t *testing.T) {
	t.Parallel()
	good, err := url.Parse(storetest.Session(t, "it is about what Postgres itself answers"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(u *url.URL)) string {
		u := *good
		change(&u)
		return u.String()
	}
	for name, c := range map[string]struct{ url, cure string }{
		"password":  {with(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") }), "correct the password"},
		"database":  {with(func(u *url.URL) { u.Path = "/nothing_there" }), "create the database"},
		"parameter": {with(func(u *url.URL) { u.RawQuery += "&pool_max_conns=5" }), "remove the parameter"},
		"tls":       {with(func(u *url.URL) { u.RawQuery = "sslmode=require" }), "sslmode=disable"},
		"nobody":    {with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "start Postgres"},
	} {
		db := open(t, c.url)
		err := db.Ping(t.Context())
		if err == nil || !strings.Contains(pg.Cure(err), c.cure) {
			t.Errorf("%s: %v, cure %q; want %q", name, err, pg.Cure(err), c.cure)
		}
	}
}

// Behind a pooler that refuses start-up parameters the role has to carry them.
func TestMissingSettings_ListsWhatTheRoleLacks(t *testing.T) {
	t.Parallel()
	url := storetest.Session(t, "it is compared with a pooler")
	if missing, err := open(t, url).MissingSettings(t.Context()); err != nil || missing != "" {
		t.Errorf("direct: %q, %v; want none missing", missing, err)
	}
	missing, err := open(t, storetest.PgBouncer(t, url, 2)).MissingSettings(t.Context())
	if err != nil || !strings.Contains(missing, "SET statement_timeout = '4000';") ||
		!strings.Contains(missing, "SET lock_timeout = '2000';") {
		t.Errorf("through a pooler: %q, %v", missing, err)
	}
}

// Reads of a context of Reading run on the connections of the readers, prepared ones
// too, and nothing else does.
func TestReading_OnTheReadersConnections(t *testing.T) {
	t.Parallel()
	open := func(readers int) *pg.DB {
		db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 2, Application: "messages", Readers: readers})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	ctx, reading := t.Context(), pg.Reading(t.Context())
	names := func(db *pg.DB, ctx context.Context) [4]string {
		t.Helper()
		const query = `SELECT current_setting('application_name')`
		var got [4]string
		var all, prepared []string
		err := errors.Join(
			db.GetContext(ctx, &got[0], query), db.SelectContext(ctx, &all, query), db.QueryRowxContext(ctx, query).Scan(&got[2]),
			db.SelectPrepared(ctx, &prepared, query),
		)
		if err != nil {
			t.Fatal(err)
		}
		got[1], got[3] = all[0], prepared[0]
		return got
	}
	messages, readers := "messages", "messages-readers"
	alone, db := open(0), open(2)
	for name, c := range map[string]struct{ got, want [4]string }{
		"without readers": {names(alone, reading), [4]string{messages, messages, messages, messages}},
		"messages":        {names(db, ctx), [4]string{messages, messages, messages, messages}},
		"reading":         {names(db, reading), [4]string{readers, readers, readers, readers}},
		"readers":         {names(db.Readers(), ctx), [4]string{readers, readers, readers, readers}},
	} {
		if c.got != c.want {
			t.Errorf("%s: on %v, want %v", name, c.got, c.want)
		}
	}
	err := db.Tx(reading, func(tx *pg.DB) error {
		if got := names(tx, reading); got != [4]string{messages, messages, messages, messages} {
			t.Errorf("in a transaction: on %v", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Without a connection nothing was written, so clients may repeat it: in a transaction, by
// itself and prepared.
func TestNoConnection_IsOverloaded(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.Postgres(t))
	storetest.Must(t, err)
	u.Host = "127.0.0.1:1"
	db := open(t, u.String())
	ctx := t.Context()
	_, exec := db.ExecContext(ctx, `SELECT 1`)
	_, prepared := db.ExecPrepared(ctx, `SELECT 1`)
	for name, err := range map[string]error{
		"transaction": db.Tx(ctx, func(*pg.DB) error { return nil }),
		"statement":   pg.Wrap("try", exec),
		"prepared":    pg.Wrap("try", prepared),
	} {
		if e := dispatch.AsError(err); e.Code != dispatch.Overloaded || e.RetryAfter == 0 || strings.Contains(e.Msg, "127.0.0.1") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A read of a session ends sooner than a statement that messages need.
func TestReading_HasATimeoutOfItsOwn(t *testing.T) {
	t.Parallel()
	address := storetest.Session(t, "a pooler leaves timeouts to the role")
	db, err := pg.Open(pg.Options{URL: address, MaxConns: 2, Application: "messages", Readers: 2})
	storetest.Must(t, err)
	defer db.Close()
	for _, c := range []struct {
		ctx  context.Context
		want string
	}{{t.Context(), "4s"}, {pg.Reading(t.Context()), "2s"}} {
		var got string
		if err := db.GetContext(c.ctx, &got, `SHOW statement_timeout`); err != nil || got != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

func TestPicksPartitions(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	for setting, newest := range map[string]int{"": 179999, "&enable_partition_pruning=off": 0} {
		db, err := pg.Open(pg.Options{URL: url + setting, MaxConns: 1, Application: "test"})
		storetest.Must(t, err)
		t.Cleanup(db.Close)
		server, err := db.Server(t.Context())
		storetest.Must(t, err)
		want := server.VersionNumber <= newest
		for range 2 {
			if got := db.PicksPartitions(t.Context()); got != want {
				t.Errorf("%q: %t, want %t", setting, got, want)
			}
		}
	}
}
