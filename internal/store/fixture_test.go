package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with an account and a channel in it.
type fixture struct {
	*Store
	accounts         *account.Store
	account, channel int64
}

func open(t testing.TB) *fixture {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 24)
	f := &fixture{Store: New(db), accounts: account.New(db)}
	f.account, f.channel = f.newAccount(t, "meta")
	return f
}

var must = storetest.Must

// newAccount makes an account with a channel of the provider.
func (f *fixture) newAccount(t testing.TB, provider string) (account, channel int64) {
	t.Helper()
	a, err := f.accounts.CreateAccount(context.Background(), "Test")
	must(t, err)
	c, err := f.accounts.CreateChannel(context.Background(), dispatch.Channel{
		Account: a.ID, Name: provider, Provider: provider, Kind: "whatsapp", Sender: fmt.Sprintf("+1555%07d", a.ID),
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	must(t, err)
	return a.ID, c.ID
}

// draft is a message to a number, not accepted yet.
func (f *fixture) draft(to string) NewMessage {
	m := &dispatch.Message{
		ID:      dispatch.NewID(),
		Account: f.account,
		Channel: f.channel,
		Lane:    dispatch.Normal,
		To:      to,
		Raw:     `{"type":"text","text":{"body":"x"}}`,
	}
	m.Content.Type = dispatch.TypeText
	return NewMessage{Message: m, TTL: time.Hour}
}

// accept commits drafts that must all be accepted.
func (f *fixture) accept(t testing.TB, page ...NewMessage) []dispatch.ID {
	t.Helper()
	rs, err := f.InsertMessages(context.Background(), page)
	must(t, err)
	ids := make([]dispatch.ID, len(rs))
	for i, r := range rs {
		must(t, r.Err)
		ids[i] = r.ID
	}
	return ids
}

// messages accepts n messages to numbers of their own.
func (f *fixture) messages(t testing.TB, n int) []dispatch.ID {
	t.Helper()
	page := make([]NewMessage, n)
	for i := range page {
		page[i] = f.draft(fmt.Sprintf("+1555%07d", i))
	}
	return f.accept(t, page...)
}

// claim claims all of ids.
func (f *fixture) claim(t testing.TB, ids ...dispatch.ID) uuid.UUID {
	t.Helper()
	claim := uuid.New()
	got, err := f.ClaimPage(context.Background(), ids, claim, 20*time.Second)
	must(t, err)
	if len(got) != len(ids) {
		t.Fatalf("claimed %d of %d messages", len(got), len(ids))
	}
	return claim
}

// outcome is the end of a call.
func outcome(id dispatch.ID, claim uuid.UUID, action Action, result Result) Outcome {
	o := Outcome{ID: id, Claim: claim, Action: action, Result: result, StartedAt: time.Now(), HTTP: 200}
	switch action {
	case Settle:
		o.ProviderID = "wamid." + claim.String()
	case Retry, Resolve:
		o.Delay = time.Minute
	case Fail:
		o.Code, o.ProvCode, o.Detail = dispatch.FailContent, "100", "refused"
	case Release:
	}
	return o
}

func (f *fixture) complete(t testing.TB, outs ...Outcome) {
	t.Helper()
	_, err := f.Complete(context.Background(), outs)
	must(t, err)
}

// callback applies a provider's report about a message.
func (f *fixture) callback(t testing.TB, id dispatch.ID, statuses ...dispatch.Status) {
	t.Helper()
	var us []dispatch.StatusUpdate
	for _, st := range statuses {
		us = append(us, dispatch.StatusUpdate{ID: id, Channel: f.channel, ProviderID: "wamid." + id.String(), Status: st, At: time.Now()})
	}
	unmatched, err := f.ApplyStatuses(context.Background(), us)
	must(t, err)
	if len(unmatched) > 0 {
		t.Fatalf("no message for %d of %d callbacks", len(unmatched), len(us))
	}
}

func (f *fixture) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	_, err := f.db.ExecContext(context.Background(), query, args...)
	must(t, err)
}

// hour makes everything that waits for a time find it passed: rows wake, leases
// and windows are over.
func (f *fixture) hour(t testing.TB, ids ...dispatch.ID) {
	t.Helper()
	f.exec(
		t,
		`UPDATE dispatch SET wake_at = now() - interval '1 second', due_at = least(due_at, now() - interval '1 second') WHERE message_id = `+
			`ANY($1::uuid[])`,
		pg.UUIDArray(ids),
	)
	f.exec(t, `UPDATE claims SET wake_at = now() - interval '1 second' WHERE ids && $1::uuid[]`, pg.UUIDArray(ids))
}

// standing is how a message stands in the database.
type standing struct {
	Status    dispatch.Status `db:"status"`
	By        dispatch.By     `db:"final_by"`
	MaybeSent bool            `db:"maybe_sent"`
	Anomaly   bool            `db:"anomaly"`
	State     *int16          `db:"state"`     // of its dispatch row, or as it is in a page or claim
	Paged     bool            `db:"paged"`     // it has no dispatch row, but is in a page or claim
	Scheduled bool            `db:"scheduled"` // has a row there
}

func (f *fixture) standing(t testing.TB, id dispatch.ID) standing {
	t.Helper()
	var s standing
	must(
		t,
		f.db.GetContext(
			context.Background(),
			&s,
			`SELECT m.status, m.final_by, m.maybe_sent, m.anomaly, coalesce(d.state, p.state) AS state, p.state IS NOT NULL AS paged,
			  EXISTS (SELECT 1 FROM scheduled s WHERE s.message_id = m.id) AS scheduled
		FROM messages m LEFT JOIN dispatch d ON d.message_id = m.id
		LEFT JOIN LATERAL (SELECT 0::smallint AS state FROM backlog b WHERE m.id = ANY(b.ids)
		  UNION ALL SELECT 1 FROM claims c WHERE m.id = ANY(c.ids) AND m.status = 10 AND d.message_id IS NULL) p ON true
		WHERE m.id = $1::uuid`,
			id.String(),
		),
	)
	return s
}

// invariants checks D (a message is unfinished if and only if exactly one row
// of dispatch, scheduled and backlog is its, or that of a claim alone) and W (every row wakes by itself), for the
// whole database.
func (f *fixture) invariants(t testing.TB) {
	t.Helper()
	var n struct {
		Idle    int `db:"idle"`
		Twice   int `db:"twice"`
		Orphans int `db:"orphans"`
		Asleep  int `db:"asleep"`
	}
	must(t, f.db.GetContext(context.Background(), &n, `
WITH w AS (SELECT message_id FROM dispatch UNION ALL SELECT message_id FROM scheduled
    UNION ALL SELECT b.id FROM (SELECT unnest(ids) AS id FROM backlog) b JOIN messages m ON m.id = b.id AND m.status = 10
    UNION ALL SELECT c.id FROM (SELECT unnest(ids) AS id FROM claims) c JOIN messages m ON m.id = c.id AND m.status = 10
      WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = c.id)), n AS (SELECT message_id, count(*) AS n
FROM w GROUP BY 1)
SELECT (SELECT count(*) FROM messages m WHERE m.status = 10 AND NOT EXISTS (SELECT 1 FROM n WHERE n.message_id = m.id)) AS idle,
  (SELECT count(*) FROM n WHERE n.n > 1) AS twice,
  (SELECT count(*) FROM n LEFT JOIN messages m ON m.id = n.message_id WHERE m.id IS NULL OR m.status <> 10) AS orphans,
  (SELECT count(*) FROM dispatch WHERE wake_at > now() + interval '1 hour' AND wake_at > due_at) AS asleep`))
	if n.Idle+n.Twice+n.Orphans+n.Asleep > 0 {
		t.Errorf(
			"%d unfinished messages without a row, %d with two, %d rows of finished messages, %d that don't wake",
			n.Idle,
			n.Twice,
			n.Orphans,
			n.Asleep,
		)
	}
}

// dump is all that the statements of a message's way write, but for columns
// that are left out.
func (f *fixture) dump(t testing.TB, without ...string) string {
	t.Helper()
	var b strings.Builder
	for _, q := range []string{
		"messages m ORDER BY id", "backlog m ORDER BY page", "claims m ORDER BY claim",
		"dispatch m ORDER BY message_id", "scheduled m ORDER BY message_id", "attempts m ORDER BY message_id, claim",
		"events m ORDER BY xid, id", "event_pages m ORDER BY xid, id",
		"idempotency m ORDER BY day, account_id, key, idx", "provider_refs m ORDER BY channel_id, ref",
		"parked_callbacks m ORDER BY id", "fallbacks m ORDER BY message_id", "ledger m ORDER BY id", "suppressions m ORDER BY account_id, phone",
		"windows m ORDER BY channel_id, phone", "inbound m ORDER BY id", "contacts m ORDER BY id", "accounts m ORDER BY id",
		"channel_health m ORDER BY channel_id",
	} {
		var rows []string
		must(t, f.db.SelectContext(context.Background(), &rows, `SELECT row_to_json(m)::text FROM `+q))
		for _, r := range rows {
			var m map[string]any
			must(t, json.Unmarshal([]byte(r), &m))
			for _, k := range without {
				delete(m, k)
			}
			out, err := json.Marshal(m)
			must(t, err)
			fmt.Fprintf(&b, "%s %s\n", strings.Fields(q)[0], out)
		}
	}
	return b.String()
}
