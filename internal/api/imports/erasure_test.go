package imports_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/api/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/eraser"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

// erase erases a person and returns what was removed.
func (f *front) erase(db *pg.DB, body m) apitest.Object {
	f.T.Helper()
	made := f.Do("POST", "/v1/erasures", body)
	id := made.Want(202).ID()
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

func TestErasure_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for body, at := range map[string]string{
		`{}`: "/phone", `{"phone":"x"}`: "/phone", `{"user_id":"x"}`: "/user_id", `{"wa_id":"x"}`: "/wa_id",
		`{"phone":"+4915112345678","user_id":"DE.2000"}`: "/phone", `{"name":"x"}`: "/name",
	} {
		f.Do("POST", "/v1/erasures", body).Refused(422, dispatch.Invalid, at)
	}
	f.Do("GET", "/v1/erasures/9", nil).Refused(404, dispatch.NotFound)
}
