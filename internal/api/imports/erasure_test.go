package imports_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/eraser"
	"github.com/sendoff/sendoff/internal/store"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/erasure"
	persons "github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

// erase erases a person and returns what was removed.
func (f *front) erase(db *pg.DB, body m) apitest.Object {
	f.T.Helper()
	made := f.Do("POST", "/v1/erasures", body)
	id := made.Want(202).ID()
	if made.Header.Get("Location") != "/v1/erasures/"+id {
		f.T.Errorf("Location %q", made.Header.Get("Location"))
	}
	ctx, stop := context.WithCancel(f.T.Context())
	ended := make(chan struct{})
	e := eraser.Eraser{Store: erasure.New(db), Cancel: store.New(db).CancelAll, Log: slog.New(slog.NewTextHandler(f.T.Output(), nil))}
	go func() { defer close(ended); e.Run(ctx) }()
	defer func() { stop(); <-ended }()
	var got apitest.Object
	wait.Until(f.T, "it is erased", func() bool {
		got = f.Do("GET", "/v1/erasures/"+id, nil).Want(200)
		return got.Text("status") == "done"
	})
	return got
}

func TestErasure_NothingIsLeft_AndNoImportWritesAgain(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const number, other = "+4915112345678", "+4915112345679"
	file := "phone,name\n" + number + ",Ada Erased\n" + other + ",Bo\n"
	f.ended(f.send("POST", "/v1/imports?kind=audience", "text/csv", file).Want(202).ID())
	f.ended(f.send("POST", "/v1/imports?kind=contacts", "text/csv", file).Want(202).ID())
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	sent := f.Do("POST", "/v1/messages", m{"to": number, "type": "text", "text": m{"body": "Dear Ada Erased"}}).Want(202).Text("message_id")
	kept := f.Do("POST", "/v1/messages", m{"to": other, "type": "text", "text": m{"body": "Dear Bo"}}).Want(202).Text("message_id")
	f.Do("POST", "/v1/suppressions", m{"phone": number, "reason": "Ada Erased asked"}).Want(201)
	_, err := f.DB.Exec(`INSERT INTO inbound (id, account_id, channel_id, from_phone, wa_id, name, type, text, provider_id, at)
		VALUES (gen_random_uuid(), $1, 1, $2, '4915112345678', 'Ada Erased', 'text', 'hi', 'x', now())`, f.Account.ID, number)
	if err != nil {
		t.Fatal(err)
	}
	done := f.erase(f.pool, m{"phone": "+49 151 12345678"})
	for _, what := range []string{"contacts", "inbound", "messages", "suppressions", "import_rows", "audit_log"} {
		if got := done.Text("removed." + what); got != "1" {
			t.Errorf("removed %s %s, want 1", got, what)
		}
	}
	for _, table := range []string{
		"contacts", "inbound", "messages", "events", "suppressions", "import_rows", "import_changes", "audit_log", "identities", "erasures",
		"erased_people", "webhook_deliveries", "attempts", "windows", "opt_ins",
	} {
		var left string
		err := f.DB.QueryRow(`SELECT coalesce(string_agg(t::text, ' '), '') FROM ` + table + ` t`).Scan(&left)
		if err != nil || strings.Contains(left, "4915112345678") || strings.Contains(left, "Ada Erased") {
			t.Errorf("%s has %s, %v", table, left, err)
		}
	}
	if got := f.Do("GET", "/v1/messages/"+sent, nil).Want(200); got.Text("status") != "cancelled" {
		t.Errorf("the message: %v", got)
	}
	if got := f.Do("GET", "/v1/messages/"+kept, nil).Want(200); got.Text("status") != "queued" || got.Text("to") != other {
		t.Errorf("another person's message: %v", got)
	}
	again := f.ended(f.send("POST", "/v1/imports?kind=contacts", "text/csv", file).Want(202).ID())
	if counts(again) != "done 2 0 0 1 0 1 0" {
		t.Errorf("imported again: %v", again)
	}
	if got := f.Do("GET", "/v1/contacts", nil).Want(200).Data(); len(got) != 1 || got[0].Text("phone") != other {
		t.Errorf("contacts: %v", got)
	}
}

// The opt-out of an erased person outlives the suppression: direct messages and
// campaigns stay away, one-time passwords only after an opt-out of all.
func TestErasure_OptOutStays(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const all, marketing = "+4915112345678", "+4915112345679"
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	for number, scope := range map[string]string{all: "all", marketing: "marketing"} {
		f.Do("POST", "/v1/suppressions", m{"phone": number, "scope": scope}).Want(201)
		f.erase(f.pool, m{"phone": number})
	}
	f.Do("GET", "/v1/suppressions", nil).Want(200)
	text := func(to string) *apitest.Reply {
		return f.Do("POST", "/v1/messages", m{"to": to, "type": "text", "text": m{"body": "hi"}})
	}
	text(all).Refused(422, dispatch.Suppressed, "/to")
	text(marketing).Want(202)
	for _, c := range []struct {
		marketing bool
		want      string
	}{{true, "2"}, {false, "1"}} {
		held, err := campaigns.New(f.pool).HeldBack(t.Context(), f.Account.ID, []string{all, marketing, "+4915112345670"}, c.marketing)
		if got := strconv.Itoa(len(held)); err != nil || got != c.want || held["+4915112345670"] {
			t.Errorf("a campaign (marketing %v) holds back %v, %v; want %s", c.marketing, held, err, c.want)
		}
	}
}

// An erased person who opts in again gets messages again: what the person had set
// goes, what an operator had set stays, and so does an opt-out after the wish.
func TestErasure_OptInTakesBack(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const wrote, event, manual, late = "+4915112345671", "+4915112345672", "+4915112345673", "+4915112345674"
	p, all := persons.New(f.pool), []string{wrote, event, manual, late}
	began := time.Now().Add(-time.Hour)
	inbound := func(from string, start bool, at time.Time) {
		t.Helper()
		refused, err := p.InsertInbound(t.Context(), 1, []dispatch.Inbound{
			{From: from, Type: "text", Text: "x", Raw: "{}", At: at, Stop: !start, Start: start},
		})
		if err != nil || refused != nil {
			t.Fatal(refused, err)
		}
	}
	consent := func(start bool) {
		t.Helper()
		err := p.Consents(t.Context(), f.Account.ID, []dispatch.Consent{{
			Person: event, Start: start, Scope: dispatch.ScopeMarketing,
			At: time.Now(),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	inbound(wrote, false, began)
	consent(false)
	f.Do("POST", "/v1/suppressions", m{"phone": manual}).Want(201)
	inbound(late, false, began)
	for _, number := range all {
		f.erase(f.pool, m{"phone": number})
	}
	held := func(want ...string) {
		t.Helper()
		got, err := campaigns.New(f.pool).HeldBack(t.Context(), f.Account.ID, all, true)
		if keys := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(keys, want) {
			t.Errorf("held back: %v, %v; want %v", keys, err, want)
		}
	}
	held(all...)
	inbound(wrote, true, time.Now())
	consent(true)
	inbound(manual, true, time.Now())
	inbound(late, true, began.Add(time.Minute)) // comes late: from before the erasure
	held(manual, late)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	text := m{"to": wrote, "type": "text", "text": m{"body": "hi"}}
	f.Do("POST", "/v1/messages", text).Want(202)
	inbound(wrote, false, time.Now().Add(time.Second))
	held(wrote, manual, late)
}

// A person who is erased while their campaign waits gets no message, and the
// counts say so.
func TestErasure_InACampaign(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const number, other = "+4915112345678", "+4915112345679"
	body := m{
		"name": "Later", "type": "text", "text": m{"body": "hi"}, "start_at": "2035-01-01T10:00:00",
		"audience": m{"contacts": []m{{"to": "+49 151 12345678", "fields": m{"name": "Ada"}}, {"to": other}}},
	}
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	id := f.Do("POST", "/v1/campaigns", body).Want(201).ID()
	f.Do("POST", "/v1/campaigns/"+id+"/launch", nil).Want(200)
	f.erase(f.pool, m{"phone": number})
	got := f.Do("GET", "/v1/campaigns/"+id, nil).Want(200)
	left := got.Text("audience.contacts")
	if strings.Contains(left, number) || strings.Contains(left, "Ada") || !strings.Contains(left, other) {
		t.Errorf("audience.contacts: %s", left)
	}
	if got.Text("counts.waiting") != "1" || got.Text("counts.skipped") != "1" || got.Text("skipped_by.suppressed") != "1" {
		t.Errorf("counts %v, skipped %v", got.Text("counts"), got.Text("skipped_by"))
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := campaigns.New(f.pool).CheckCounts(t.Context(), n); err != nil || wrong != 0 {
		t.Errorf("%d counts differ from the ledger, %v", wrong, err)
	}
	rows := f.Do("GET", "/v1/campaigns/"+id+"/recipients", nil).Want(200).Data()
	if len(rows) != 2 || rows[0].Text("row") != "1" || rows[0].Text("to") != "" || rows[0].Text("reason") != "suppressed" ||
		strings.Contains(rows[0].Text("fields"), "Ada") || rows[1].Text("to") != other {
		t.Errorf("the erased person's row, and the other: %v", rows)
	}
}

func TestErasure_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for body, at := range map[string]string{
		`{}`: "/phone", `{"phone":"x"}`: "/phone", `{"user_id":"x"}`: "/user_id", `{"wa_id":"x"}`: "/wa_id",
		`{"phone":"+4915112345678","user_id":"DE.2000"}`: "/phone", `{"name":"x"}`: "/name /phone",
	} {
		f.Do("POST", "/v1/erasures", body).Refused(422, dispatch.Invalid, strings.Fields(at)...)
	}
	f.Do("GET", "/v1/erasures/9", nil).Refused(404, dispatch.NotFound)
}
