package erasure

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// An erasure is about all ids of a person that are known, by identities and by the
// contact, and no other person's.
func TestCreateErasure_TakesAllIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO contacts (account_id, phone, wa_id, user_id, name) VALUES ($1, '+15550000100', '15550000101', 'US.1', 'Ada'),
		($1, '+15550000199', '', 'US.9', 'Bo')`, f.account)
	f.exec(`INSERT INTO identities (account_id, value, person) VALUES ($1, '+15550000100', 1), ($1, 'US.2', 1), ($1, 'US.8', 2)`, f.account)
	want := []string{"+15550000100", "+15550000101", "US.1", "US.2"}
	e, err := f.CreateErasure(t.Context(), f.account, number)
	must(t, err)
	if got := slices.Sorted(slices.Values(e.IDs)); !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	erased, err := Erased(t.Context(), f.db, f.account, append(want, "+15550000199", "US.8"))
	must(t, err)
	for _, id := range want {
		if !erased[id] {
			t.Errorf("%s is not remembered", id)
		}
	}
	if len(erased) != len(want) {
		t.Errorf("erased: %v", erased)
	}
	if n := f.count(`SELECT count(*) FROM erased_people t WHERE strpos(t::text, '1555') > 0 OR strpos(t::text, 'US.') > 0`); n != 0 {
		t.Error("what is remembered has the id itself")
	}
	if other, err := Erased(t.Context(), f.db, f.account+1, want); err != nil || len(other) != 0 {
		t.Errorf("another account has erased %v, %v", other, err)
	}
	if _, err := f.Erasure(t.Context(), f.account+1, e.ID); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("another account's erasure: %v", err)
	}
}

// The widest scope of an opt-out outlives the person's ids, also a second erasure, and
// holds back what it covers.
func TestOptOuts_HoldBack(t *testing.T) {
	t.Parallel()
	f := open(t)
	if o, err := OptOutsOf(t.Context(), f.db, f.account); err != nil || o.HoldBack(number, true) {
		t.Errorf("without erasures: %v", err)
	}
	const all, marketing, none = "+15550000101", "+15550000102", "+15550000103"
	f.exec(`INSERT INTO suppressions (account_id, phone, reason, scope) VALUES ($1, '`+all+`', 'stop', 'all'),
		($1, '`+marketing+`', 'stop', 'marketing')`, f.account)
	for _, id := range []string{all, marketing, none, all} {
		e, err := f.CreateErasure(t.Context(), f.account, id)
		must(t, err)
		must(t, f.Finish(t.Context(), &e, map[string]int64{}))
	}
	o, err := OptOutsOf(t.Context(), f.db, f.account)
	must(t, err)
	for _, c := range []struct {
		id               string
		marketing, other bool
	}{{all, true, true}, {marketing, true, false}, {none, false, false}, {"+15550000104", false, false}} {
		if m, other := o.HoldBack(c.id, true), o.HoldBack(c.id, false); m != c.marketing || other != c.other {
			t.Errorf("%s: holds back marketing %v, other %v; want %v, %v", c.id, m, other, c.marketing, c.other)
		}
	}
	later := time.Now().Add(time.Minute)
	must(t, FollowOptIns(t.Context(), f.db, f.account, "marketing", []OptIn{{all, later}, {marketing, later}}))
	o, err = OptOutsOf(t.Context(), f.db, f.account)
	must(t, err)
	if !o.HoldBack(all, true) || o.HoldBack(marketing, true) {
		t.Error("an opt-in to marketing takes back that of marketing alone")
	}
	must(t, FollowOptIns(t.Context(), f.db, f.account, "all", []OptIn{{all, later.Add(-time.Hour)}}))
	if o, err = OptOutsOf(t.Context(), f.db, f.account); err != nil || !o.HoldBack(all, true) {
		t.Errorf("an opt-in from before the erasure counts, %v", err)
	}
	must(t, FollowOptIns(t.Context(), f.db, f.account, "all", []OptIn{{all, later}}))
	if o, err = OptOutsOf(t.Context(), f.db, f.account); err != nil || o.HoldBack(all, true) {
		t.Errorf("an opt-in to all does not count, %v", err)
	}
}

// One process at a time does an erasure; one that is postponed or whose process died
// comes back with what it removed, one that is done does not.
func TestTake_OneProcessEach(t *testing.T) {
	t.Parallel()
	f := open(t)
	first, err := f.CreateErasure(t.Context(), f.account, number)
	must(t, err)
	second, err := f.CreateErasure(t.Context(), f.account, "+15550000101")
	must(t, err)
	take := func() int64 {
		t.Helper()
		e, found, err := f.Take(t.Context())
		must(t, err)
		if !found {
			return 0
		}
		return e.ID
	}
	if a, b, c := take(), take(), take(); a != first.ID || b != second.ID || c != 0 {
		t.Errorf("taken %d, %d, %d", a, b, c)
	}
	must(t, f.Postpone(t.Context(), &first, map[string]int64{"messages": 3}))
	if id := take(); id != 0 {
		t.Errorf("taken %d at once after it was postponed", id)
	}
	f.exec(`UPDATE erasures SET lease_until = now() - interval '1 second'`)
	e, found, err := f.Take(t.Context())
	if err != nil || !found || e.ID != first.ID || e.Counts()["messages"] != 3 {
		t.Errorf("after its lease: %+v, %v, %v", e, found, err)
	}
	must(t, f.Finish(t.Context(), &e, e.Counts()))
	f.exec(`UPDATE erasures SET lease_until = now() - interval '1 second'`)
	if a, b := take(), take(); a != second.ID || b != 0 {
		t.Errorf("taken %d and %d, want the second alone", a, b)
	}
}

// The person's messages are found in pages, whatever id they went to; nobody else's are.
func TestMessages_OfThePersonAlone(t *testing.T) {
	t.Parallel()
	f := open(t)
	want := []uuid.UUID{f.message(number), f.message("US.1")}
	f.message("+15550000199")
	f.exec(`UPDATE messages SET account_id = account_id + 1 WHERE id = $1`, f.message(number))
	var got []uuid.UUID
	e := Erasure{Account: f.account, IDs: []string{number, "US.1"}}
	must(t, f.Messages(t.Context(), &e, func(ids []uuid.UUID) error {
		got = append(got, ids...)
		return nil
	}))
	if !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
	stop := errors.New("stop")
	if err := f.Messages(t.Context(), &e, func([]uuid.UUID) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error: %v", err)
	}
}

// A person who waits in a running campaign is skipped as suppressed, and the counts
// follow.
func TestFinish_WaitingRecipient_IsSkipped(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.exec(`INSERT INTO campaigns (id, account_id, name, definition) VALUES (1, $1, 'c', '{}')`, f.account)
	f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, person) VALUES
		(1, 1, 0, now(), '+15550000100', '+15550000100'), (1, 2, 0, now(), '+15550000199', '+15550000199')`)
	f.exec(`INSERT INTO campaign_counts (campaign_id, status, reason, n) VALUES (1, 0, 0, 2)`)
	e, err := f.CreateErasure(t.Context(), f.account, number)
	must(t, err)
	must(t, f.Finish(t.Context(), &e, map[string]int64{}))
	var left string
	must(t, f.db.GetContext(t.Context(), &left, `SELECT string_agg(seq || ' ' || (status = 0) || ' ' || recipient, ', ' ORDER BY seq)
		FROM campaign_recipients`))
	if left != "1 false , 2 true +15550000199" {
		t.Errorf("the ledger: %s", left)
	}
	if n := f.count(`SELECT count(*) FROM (SELECT status, reason, count(*) FROM campaign_recipients GROUP BY 1, 2
		EXCEPT SELECT status, reason, sum(n)::bigint FROM (SELECT status, reason, n FROM campaign_counts
			UNION ALL SELECT status, reason, n FROM campaign_changes) c GROUP BY 1, 2) d`); n != 0 {
		t.Errorf("%d counts differ from the ledger", n)
	}
}
