package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

// atMidnight opens a database twice: for the first store it is a second before
// the coming midnight UTC, for the other a second after. Statements call now()
// without a schema, so one found earlier on the search path is theirs.
func atMidnight(t *testing.T) (before, after *fixture) {
	t.Helper()
	address := storetest.Session(t, "it sets search_path for its connections")
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	open := func(schema string, at time.Time) *fixture {
		u, err := url.Parse(address)
		must(t, err)
		q := u.Query()
		q.Set("search_path", schema+",public,pg_catalog")
		u.RawQuery = q.Encode()
		db := storetest.Open(t, u.String(), 12)
		s := New(db)
		s.now = func() time.Time { return at }
		f := &fixture{Store: s, accounts: account.New(db)}
		f.exec(t, `CREATE SCHEMA `+schema)
		f.exec(
			t,
			`CREATE FUNCTION `+schema+`.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz '`+at.Format(
				time.RFC3339,
			)+`' $$`,
		)
		return f
	}
	before, after = open("earlier", midnight.Add(-time.Second)), open("later", midnight.Add(time.Second))
	before.account, before.channel = before.newAccount(t, "meta")
	after.account, after.channel = before.account, before.channel
	return before, after
}

// keyed is a draft with an idempotency key.
func (f *fixture) keyed(key string) NewMessage {
	a := f.draft("+15550000001")
	a.IdemKey, a.IdemFingerprint = key, "print"
	return a
}

// A key holds over midnight, whichever of two requests Postgres takes first:
// one that began before midnight may have waited for one that began after.
func TestInsertMessages_SameKeyOverMidnight_OneMessage(t *testing.T) {
	t.Parallel()
	before, after := atMidnight(t)
	first := before.accept(t, before.keyed("a"))[0]
	if again := after.accept(t, after.keyed("a"))[0]; again != first {
		t.Errorf("the day after: message %s, the first was %s", again, first)
	}
	first = after.accept(t, after.keyed("b"))[0]
	if again := before.accept(t, before.keyed("b"))[0]; again != first {
		t.Errorf("the day before: message %s, the first was %s", again, first)
	}
	after.invariants(t)
}

func TestInsertMessages_SameKeyAtMidnight_OneMessageEach(t *testing.T) {
	t.Parallel()
	before, after := atMidnight(t)
	const rounds, requests, messages = 10, 8, 5 // the first rounds open connections
	for round := range rounds {
		ids := make([]map[dispatch.ID]bool, messages)
		for i := range ids {
			ids[i] = map[dispatch.ID]bool{}
		}
		var mu sync.Mutex
		var errs []error
		var wg sync.WaitGroup
		for n := range requests {
			wg.Go(func() {
				f := []*fixture{before, after}[n%2]
				page := make([]NewMessage, messages)
				for i := range page {
					page[i] = f.keyed(fmt.Sprintf("key %d", round))
					page[i].IdemIndex = i
				}
				rs, err := f.InsertMessages(context.Background(), page)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
				for i, r := range rs {
					errs = append(errs, r.Err)
					ids[i][r.ID] = true
				}
			})
		}
		wg.Wait()
		must(t, errors.Join(errs...))
		for i := range ids {
			if len(ids[i]) != 1 {
				t.Errorf("round %d: message %d was made %d times", round, i, len(ids[i]))
			}
		}
	}
	after.invariants(t)
}
