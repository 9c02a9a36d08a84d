package webhook

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

func TestExpand_ManyExpandersAndWriters_EachEventOnce(t *testing.T) {
	f := newFixture(t)
	all, sent := f.endpoint(Standard, "https://example.com/1"), f.endpoint(Standard, "https://example.com/2", "message.sent")
	other, err := f.accounts.CreateAccount(t.Context(), "Other")
	must(t, err)
	foreign, err := f.hooks.CreateWebhook(
		t.Context(),
		hookstore.Endpoint{Account: other.ID, URL: "https://example.com/3", Format: Standard, Secret: NewSecret(), Enabled: true},
	)
	must(t, err)
	const writers, rounds, page = 4, 10, 20
	done := make(chan struct{})
	var expanders, writing sync.WaitGroup
	for range 3 {
		expanders.Go(func() {
			for {
				_, more, err := f.hooks.ExpandWebhooks(t.Context(), false, 37, Render)
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
				if !more {
					pause(t.Context())
				}
			}
		})
	}
	for range writers {
		writing.Go(func() {
			for range rounds {
				ids := f.send(page, nil)
				f.evidence(ids, dispatch.Sent)
			}
		})
	}
	writing.Wait()
	const n = writers * rounds * page
	f.until("all is expanded", func() bool { return len(f.log(all)) >= 2*n && len(f.log(sent)) >= n })
	close(done)
	expanders.Wait()
	f.expand(f.deliverer(nil))
	var events, deliveries, distinct int
	must(
		t,
		f.db.QueryRow(`SELECT (SELECT count(*) FROM events WHERE kind < 100) + (SELECT sum(n) FROM event_pages), count(*), `+
			`count(DISTINCT (message_id, seq)) FROM `+
			`webhook_deliveries WHERE webhook_id = $1`, all.ID).
			Scan(&events, &deliveries, &distinct),
	)
	if events != 2*n || deliveries != events || distinct != events {
		t.Errorf("%d events became %d deliveries of %d states", events, deliveries, distinct)
	}
	if got := len(f.log(sent)); got != n {
		t.Errorf("%d deliveries of sent, want %d", got, n)
	}
	if got := len(f.log(foreign)); got != 0 {
		t.Errorf("%d deliveries to another account", got)
	}
}

func TestExpand_LateCommit_IsNotSkipped(t *testing.T) {
	f := newFixture(t)
	w := f.endpoint(Standard, "https://example.com/1", "channel.paused")
	d := f.deliverer(nil)
	const insert = `INSERT INTO events (message_id, account_id, channel_id, kind, detail) VALUES ('00000000-0000-0000-0000-000000000000', ` +
		`$1, $2, 103, $3)`
	tx, err := f.db.Begin()
	must(t, err)
	_, err = tx.Exec(insert, f.account.ID, f.channel.ID, "late")
	must(t, err)
	_, err = f.db.Exec(insert, f.account.ID, f.channel.ID, "early")
	must(t, err)
	_, _, err = f.hooks.ExpandWebhooks(t.Context(), false, 100, Render)
	must(t, err)
	if n := len(f.log(w)); n != 0 {
		t.Errorf("%d events while an older transaction runs", n)
	}
	must(t, tx.Commit())
	f.expand(d)
	if l := f.log(w); len(l) != 2 || decode(t, l[0].Payload).Data["reason"] == decode(t, l[1].Payload).Data["reason"] {
		t.Errorf("got %+v", l)
	}
}

func TestExpand_NewOrEnabledEndpoint_StartsAtTheEnd(t *testing.T) {
	f := newFixture(t)
	d := f.deliverer(nil)
	f.send(5, nil)
	w := f.endpoint(Standard, "https://example.com/1")
	f.send(2, nil)
	f.expand(d)
	if n := len(f.log(w)); n != 2 {
		t.Errorf("%d events, want the 2 after it was made", n)
	}
	enable := func(on bool) {
		_, err := f.hooks.ChangeWebhook(t.Context(), f.account.ID, w.ID, func(w *hookstore.Endpoint) error { w.Enabled = on; return nil })
		must(t, err)
	}
	enable(false)
	f.send(3, nil)
	enable(true)
	f.send(1, nil)
	f.expand(d)
	if n := len(f.log(w)); n != 3 {
		t.Errorf("%d events, want none of those while it was disabled", n)
	}
}

func TestExpand_NobodyListens_CursorGoesToTheEnd(t *testing.T) {
	f := newFixture(t)
	f.send(50, nil)
	f.until("the cursor is at the end", func() bool {
		made, more, err := f.hooks.ExpandWebhooks(t.Context(), false, 10, Render)
		if made != 0 || more || err != nil {
			t.Fatalf("%d %v %v", made, more, err)
		}
		return f.unread() == 0
	})
}

func TestReplay_Range_SetsBackAndFillsIn(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	w := f.endpoint(Standard, r.URL, "message.queued")
	f.work(f.deliverer(nil))
	from := time.Now()
	f.send(30, nil)
	f.until("they are there", func() bool { return len(r.ids()) == 30 })
	change := func(on bool) {
		_, err := f.hooks.ChangeWebhook(t.Context(), f.account.ID, w.ID, func(w *hookstore.Endpoint) error { w.Enabled = on; return nil })
		must(t, err)
	}
	change(false)
	f.send(20, nil) // missed
	change(true)
	var to time.Time // the database's clock, which events carry; it goes on before the next of them
	must(t, f.db.QueryRow(`SELECT clock_timestamp()`).Scan(&to))
	f.send(5, nil)
	f.until("the later ones are there", func() bool { return len(r.ids()) == 35 })
	must(t, f.hooks.ReplayWebhook(t.Context(), w.ID, from.Add(-time.Hour), to))
	f.until("the replay has ended and all is delivered", func() bool {
		var open int
		must(
			t,
			f.db.QueryRow(`SELECT (SELECT count(*) FROM webhook_cursors WHERE webhook_id <> 0) + (SELECT count(*) FROM webhook_deliveries WHERE `+
				`state = 0)`).
				Scan(&open),
		)
		return open == 0
	})
	twice := 0
	for _, n := range r.ids() {
		if n == 2 {
			twice++
		}
	}
	if len(r.ids()) != 55 || twice != 30 || r.count() != 85 {
		t.Errorf("%d events, %d of them twice, %d requests; want 55, 30, 85", len(r.ids()), twice, r.count())
	}
}

func TestReplay_WhileOneRuns_IsRefused(t *testing.T) {
	f := newFixture(t)
	w := f.endpoint(Standard, "https://example.com/")
	f.send(1, nil)
	must(t, f.hooks.ReplayWebhook(t.Context(), w.ID, time.Now().Add(-time.Hour), time.Now()))
	if err := f.hooks.ReplayWebhook(t.Context(), w.ID, time.Now().Add(-time.Hour), time.Now()); dispatch.CodeOf(err) != dispatch.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestReplay_One_SameIDSameBytes(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	w := f.endpoint(Standard, r.URL)
	f.work(f.deliverer(nil))
	ids := f.send(1, nil)
	f.until("it is there", func() bool { return r.count() == 1 && f.log(w)[0].State == hookstore.Delivered })
	f.evidence(ids, dispatch.Read) // the row moves on
	f.until("read is there", func() bool { return r.count() == 2 })
	must(t, f.hooks.ReplayDelivery(t.Context(), w.ID, f.log(w)[0].ID))
	f.until("it is there again", func() bool { return r.count() == 3 })
	all := r.requests()
	if all[0].id() != all[2].id() || all[0].Body != all[2].Body {
		t.Errorf("%s %s, then %s %s", all[0].id(), all[0].Body, all[2].id(), all[2].Body)
	}
}

func TestStatusCallback_GoesOutSignedWithTheAccountsToken(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	ids := f.send(2, func(m *dispatch.Message) { m.StatusCallback = r.URL + "/cb?x=1#rc=3" })
	f.send(3, nil)
	f.evidence(ids, dispatch.Sent)
	f.evidence(ids, dispatch.Delivered)
	f.work(f.deliverer(nil))
	f.until("they are there", func() bool { return r.count() >= 4 })
	token, err := f.hooks.StatusCallbackToken(t.Context(), f.account.ID)
	must(t, err)
	words := map[string]int{}
	for _, g := range r.requests() {
		form, err := url.ParseQuery(g.Body)
		must(t, err)
		words[form.Get("MessageStatus")]++
		if g.Header.Get(twilio.SignatureHeader) != twilio.Sign(token, g.URL, form) || g.URL != r.URL+"/cb?x=1" {
			t.Errorf("signature of %s %s", g.URL, g.Body)
		}
		if form.Get("AccountSid") != f.account.SID || form.Get("To") != "whatsapp:+15550100" {
			t.Errorf("form %v", form)
		}
	}
	if fmt.Sprint(words) != "map[delivered:2 sent:2]" {
		t.Errorf("got %v", words)
	}
	if ws, err := f.hooks.Webhooks(t.Context(), f.account.ID); err != nil || len(ws) != 0 {
		t.Errorf("the lane shows as a webhook: %v %v", ws, err)
	}
}

func TestTidy_DropsTheDeleted(t *testing.T) {
	f := newFixture(t)
	_, gone := f.endpoint(Standard, "https://example.com/1"), f.endpoint(Standard, "https://example.com/2")
	f.send(10, nil)
	d := f.deliverer(nil)
	f.expand(d)
	must(t, f.hooks.DeleteWebhook(t.Context(), f.account.ID, gone.ID))
	must(t, d.Tidy(t.Context()))
	var rows, hooks int
	must(t, f.db.QueryRow(`SELECT (SELECT count(*) FROM webhook_deliveries), (SELECT count(*) FROM webhooks)`).Scan(&rows, &hooks))
	if rows != 10 || hooks != 1 {
		t.Errorf("%d deliveries and %d webhooks, want 10 and 1", rows, hooks)
	}
}
