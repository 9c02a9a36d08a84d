package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a database with one account and one channel.
type fixture struct {
	t        *testing.T
	db       *sql.DB
	store    *store.Store
	hooks    *hookstore.Store
	accounts *account.Store
	account  account.Account
	channel  dispatch.Channel
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	url := storetest.Postgres(t)
	pool := storetest.Open(t, url, 16)
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	f := &fixture{t: t, db: db, store: store.New(pool), hooks: hookstore.New(pool, store.ReadViews), accounts: account.New(pool)}
	f.account, err = f.accounts.CreateAccount(t.Context(), "Webhooks")
	must(t, err)
	f.channel, err = f.accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: f.account.ID, Name: "WhatsApp", Provider: "meta", Kind: "whatsapp", Sender: "+15550199",
		Settings: map[string]string{"phone_number_id": "106540352242922", "waba_id": "102290129340398"},
	})
	must(t, err)
	return f
}

var must = storetest.Must

// endpoint adds one that subscribes to the named events; none: all.
func (f *fixture) endpoint(format, url string, names ...string) hookstore.Endpoint {
	f.t.Helper()
	w := hookstore.Endpoint{Account: f.account.ID, URL: url, Format: format, Secret: NewSecret(), Enabled: true}
	for _, n := range names {
		k, ok := KindOf(n)
		if !ok {
			f.t.Fatalf("no event %q", n)
		}
		w.Kinds = append(w.Kinds, int64(k))
	}
	w, err := f.hooks.CreateWebhook(f.t.Context(), w)
	must(f.t, err)
	return w
}

// send accepts messages: each is an event message.queued. Two of three wait in pages of the
// backlog, and so do their events.
func (f *fixture) send(n int, change func(*dispatch.Message)) []dispatch.ID {
	f.t.Helper()
	var ids []dispatch.ID
	for len(ids) < n {
		var page []store.NewMessage
		for range min(n-len(ids), 200) {
			id := uuid.Must(uuid.NewV7())
			m := &dispatch.Message{
				ID: id, Account: f.account.ID, Channel: f.channel.ID, Lane: dispatch.Normal, To: "+15550100", Reference: "order 7",
				Metadata: `{"ref1": "one", "ref2": "two"}`,
				Content: dispatch.Content{
					Type: dispatch.TypeText,
				}, Raw: `{"type":"text","text":{"body":"secret content"}}`, ExpiresAt: time.Now().Add(time.Hour),
			}
			if change != nil {
				change(m)
			}
			page, ids = append(page, store.NewMessage{Message: m, Paged: len(ids)%3 != 0}), append(ids, id)
		}
		rs, err := f.store.InsertMessages(f.t.Context(), page)
		must(f.t, err)
		for _, r := range rs {
			must(f.t, r.Err)
		}
	}
	return ids
}

// evidence applies a provider's callbacks about messages.
func (f *fixture) evidence(ids []dispatch.ID, st dispatch.Status) {
	f.t.Helper()
	var us []dispatch.StatusUpdate
	for _, id := range ids {
		u := dispatch.StatusUpdate{ID: id, Channel: f.channel.ID, ProviderID: "wamid.X" + id.String()[30:], Status: st, At: time.Now()}
		if st == dispatch.Failed {
			u.Code, u.ProviderCode, u.Detail = dispatch.FailRecipient, "131026", "Message undeliverable"
		}
		us = append(us, u)
	}
	_, err := f.store.ApplyStatuses(f.t.Context(), us)
	must(f.t, err)
}

func (f *fixture) deliverer(change func(*Options)) *Deliverer {
	o := Options{Store: f.hooks, Log: slog.New(slog.DiscardHandler), AllowLoopback: true, Scale: 0.0001}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// work runs a deliverer as a worker does until the test ends.
func (f *fixture) work(d *Deliverer) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_ = d.Expand(ctx)
			_ = d.Deliver(ctx)
			pause(ctx)
		}
		d.Wait()
	})
	f.t.Cleanup(func() { cancel(); wg.Wait() })
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Millisecond):
	}
}

// expand runs until the log is read: transactions of other tests on the same
// server hold it up.
func (f *fixture) expand(d *Deliverer) {
	f.t.Helper()
	f.until("the log is read", func() bool {
		_, _, err := d.Store.ExpandWebhooks(f.t.Context(), false, 10_000, Render)
		must(f.t, err)
		return f.unread() == 0
	})
}

// unread counts the events behind the cursor.
func (f *fixture) unread() int {
	f.t.Helper()
	var n int
	must(
		f.t,
		f.db.QueryRow(`SELECT (SELECT count(*) FROM events e WHERE (e.xid, e.id) > (c.xid, c.event_id))
		  + (SELECT count(*) FROM event_pages p WHERE (p.xid, p.id + p.n - 1) > (c.xid, c.event_id))
		  FROM webhook_cursors c WHERE c.webhook_id = 0`).
			Scan(&n),
	)
	return n
}

// log reads an endpoint's deliveries, oldest event first.
func (f *fixture) log(w hookstore.Endpoint) []hookstore.LoggedDelivery {
	f.t.Helper()
	ds, _, err := f.hooks.Deliveries(f.t.Context(), w.ID, -1, "", 10_000)
	must(f.t, err)
	slices.Reverse(ds)
	return ds
}

// until waits for ok; the work goes on in the background.
func (f *fixture) until(what string, ok func() bool) {
	f.t.Helper()
	wait.Until(f.t, what, ok)
}

// got is one request that a receiver got.
type got struct {
	Header http.Header
	Body   string
	URL    string
}

func (g got) id() string { return g.Header.Get("Webhook-Id") }

// receiver is a customer's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	all    []got
	answer func(n int, g got, w http.ResponseWriter)
}

// receive starts a receiver; answer (nil: 200) sees the how many-th request it is.
func receive(t *testing.T, answer func(n int, g got, w http.ResponseWriter)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		g := got{Header: req.Header, Body: string(body), URL: "http://" + req.Host + req.URL.String()}
		r.mu.Lock()
		r.all = append(r.all, g)
		n := len(r.all)
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(n, g, w)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) requests() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (r *receiver) count() int { return len(r.requests()) }

// ids counts the webhook-ids that a receiver got.
func (r *receiver) ids() map[string]int {
	out := map[string]int{}
	for _, g := range r.requests() {
		out[g.id()]++
	}
	return out
}

// payload is a standard payload of a message.
type payload struct {
	Type      string
	Timestamp time.Time
	Data      map[string]any
}

func decode(t *testing.T, body string) payload {
	t.Helper()
	var p payload
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return p
}

func (p payload) String() string { return fmt.Sprintf("%s/%v", p.Type, p.Data["sequence"]) }
