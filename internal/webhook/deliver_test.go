package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

func TestDeliver_EveryStatus_VerifiedByTheOfficialLibrary(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	w := f.endpoint(Standard, r.URL)
	lib, err := standardwebhooks.NewWebhook(w.Secret)
	must(t, err)
	ids := f.send(3, nil)
	for _, st := range []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read} {
		f.evidence(ids, st)
	}
	f.work(f.deliverer(nil))
	f.until("all are there", func() bool { return r.count() >= 12 })
	seen := map[string][]string{}
	for _, g := range r.requests() {
		if err := lib.Verify([]byte(g.Body), g.Header); err != nil {
			t.Errorf("%v: %s", err, g.Body)
		}
		if strings.Contains(g.Body, "secret content") {
			t.Errorf("content left the house: %s", g.Body)
		}
		p := decode(t, g.Body)
		id := p.Data["message_id"].(string)
		seen[id] = append(seen[id], p.String())
		if "message."+p.Data["status"].(string) != p.Type || p.Timestamp.IsZero() || p.Data["reference"] != "order 7" {
			t.Errorf("payload %s", g.Body)
		}
		if p.Type == "message.sent" && (p.Data["delivered_at"] != nil || p.Data["read_at"] != nil) {
			t.Errorf("tells what had not happened: %s", g.Body)
		}
	}
	for id, types := range seen {
		slices.Sort(types)
		if want := "[message.delivered/3 message.queued/1 message.read/4 message.sent/2]"; fmt.Sprint(types) != want {
			t.Errorf("%s: got %v, want %s", id, types, want)
		}
	}
	if n := len(r.ids()); n != 12 {
		t.Errorf("%d different webhook-ids, want 12", n)
	}
}

func TestDeliver_ReceiverDownForAWhile_GetsEveryEventWithItsID(t *testing.T) {
	f := newFixture(t)
	var down atomic.Bool
	down.Store(true)
	r := receive(t, func(n int, _ got, w http.ResponseWriter) {
		switch {
		case down.Load() && n%2 == 0:
			panic(http.ErrAbortHandler)
		case down.Load():
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	r.Config.ErrorLog = nil
	w := f.endpoint(Standard, r.URL)
	f.send(60, nil)
	f.work(f.deliverer(nil))
	f.until("some failed", func() bool { return r.count() >= 12 })
	failed := r.count()
	down.Store(false)
	f.until("all are delivered", func() bool {
		return !slices.ContainsFunc(f.log(w), func(d hookstore.LoggedDelivery) bool { return d.State != hookstore.Delivered })
	})
	if n := len(r.ids()); n != 60 {
		t.Errorf("%d different webhook-ids, want 60", n)
	}
	bodies := map[string]string{}
	for _, g := range r.requests() {
		if b, ok := bodies[g.id()]; ok && b != g.Body {
			t.Errorf("a retry has other bytes: %s and %s", b, g.Body)
		}
		bodies[g.id()] = g.Body
	}
	if failed > 60 {
		t.Errorf("%d calls to a dead endpoint: the breaker didn't hold", failed)
	}
	f.until("it counts as well again", func() bool {
		got, err := f.hooks.Webhook(t.Context(), f.account.ID, w.ID)
		must(t, err)
		return got.FailingSince == nil && got.Enabled
	})
}

func TestDeliver_AlwaysFailing_TenTriesThenGivenUp(t *testing.T) {
	f := newFixture(t)
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(strings.Repeat("x", 2000) + "\x00\xff"))
	})
	w := f.endpoint(Standard, r.URL)
	f.send(1, nil)
	f.work(f.deliverer(func(o *Options) { o.Scale = 0.0000001 }))
	f.until("it is given up", func() bool { l := f.log(w); return len(l) == 1 && l[0].State == hookstore.Failed })
	d := f.log(w)[0]
	tries, err := d.TriesMade()
	must(t, err)
	if d.Attempts != 10 || len(tries) != 10 || r.count() != 10 || len(r.ids()) != 1 {
		t.Errorf("%d attempts, %d in the log, %d received with %d ids", d.Attempts, len(tries), r.count(), len(r.ids()))
	}
	if tries[0].Status != 500 || d.Response == nil || len(*d.Response) != 1024 {
		t.Errorf("log has %+v", tries[0])
	}
}

func TestWaitAfter_TenTriesOverThreeDays(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	var total time.Duration
	for n := range 9 {
		w, again := d.waitAfter(n, 0)
		if !again || w < waits[n]*9/10 || w > waits[n]*11/10 {
			t.Errorf("wait %d is %s", n, w)
		}
		total += w
	}
	if total < 68*time.Hour || total > 84*time.Hour {
		t.Errorf("all tries take %s", total)
	}
	if _, again := d.waitAfter(9, 0); again {
		t.Error("there is an eleventh try")
	}
	if w, _ := d.waitAfter(0, time.Hour); w != time.Hour {
		t.Errorf("Retry-After of an hour: %s", w)
	}
	if w, _ := d.waitAfter(0, 1000*time.Hour); w != maxRetryAfter {
		t.Errorf("Retry-After of 1000 hours: %s", w)
	}
}

func TestDeliver_RetryAfter_HoldsTheEndpointUp(t *testing.T) {
	f := newFixture(t)
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	w := f.endpoint(Standard, r.URL)
	f.send(50, nil)
	d := f.deliverer(nil)
	f.expand(d)
	for range 5 {
		must(t, d.Deliver(t.Context()))
		d.Wait()
	}
	if n := r.count(); n == 0 || n > concurrency {
		t.Errorf("%d calls to an endpoint that asked for ten minutes", n)
	}
	for _, l := range f.log(w) {
		if l.Attempts > 0 && time.Until(l.WakeAt) < 9*time.Minute {
			t.Errorf("next try in %s", time.Until(l.WakeAt))
		}
	}
}

func TestDeliver_Gone_DisablesAtOnceAndKeepsWhatIsPending(t *testing.T) {
	f := newFixture(t)
	var gone atomic.Bool
	gone.Store(true)
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) {
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
		}
	})
	w := f.endpoint(Standard, r.URL)
	f.send(40, nil)
	f.work(f.deliverer(nil))
	read := func() hookstore.Endpoint {
		got, err := f.hooks.Webhook(t.Context(), f.account.ID, w.ID)
		must(t, err)
		return got
	}
	f.until("it is disabled", func() bool { return !read().Enabled })
	if got := read(); !strings.Contains(got.DisabledReason, "410") || got.DisabledAt == nil || r.count() > concurrency {
		t.Errorf("%+v after %d calls", got, r.count())
	}
	var events, notes int
	must(
		t,
		f.db.QueryRow(`SELECT (SELECT count(*) FROM events WHERE kind = 106 AND account_id = $1), (SELECT count(*) FROM audit_log WHERE `+
			`action = 'webhook.disable')`, f.account.ID).
			Scan(&events, &notes),
	)
	if events != 1 || notes != 1 {
		t.Errorf("%d events and %d notes", events, notes)
	}
	gone.Store(false)
	_, err := f.hooks.ChangeWebhook(t.Context(), f.account.ID, w.ID, func(w *hookstore.Endpoint) error { w.Enabled = true; return nil })
	must(t, err)
	f.until("all are delivered", func() bool {
		return !slices.ContainsFunc(f.log(w), func(d hookstore.LoggedDelivery) bool { return d.State != hookstore.Delivered })
	})
	if n := len(r.ids()); n != 40 {
		t.Errorf("%d different events, want 40", n)
	}
}

func TestDeliver_FailingForTooLong_IsDisabled(t *testing.T) {
	f := newFixture(t)
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	w := f.endpoint(Standard, r.URL)
	f.send(20, nil)
	d := f.deliverer(nil)
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	got, err := f.hooks.Webhook(t.Context(), f.account.ID, w.ID)
	must(t, err)
	if got.FailingSince == nil || !got.Enabled {
		t.Fatalf("after the first failures: %+v", got)
	}
	_, err = f.db.Exec(`UPDATE webhooks SET failing_since = now() - interval '121 hours'`)
	must(t, err)
	f.work(d)
	f.until("it is disabled", func() bool {
		got, err := f.hooks.Webhook(t.Context(), f.account.ID, w.ID)
		must(t, err)
		return !got.Enabled && strings.Contains(got.DisabledReason, "5 days")
	})
}

func TestDeliver_Rotation_BothSecretsSign(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	w := f.endpoint(Standard, r.URL)
	older := dispatch.OldSecret{Secret: NewSecret(), Until: time.Now().Add(5 * time.Second)}
	ended := dispatch.OldSecret{Secret: NewSecret(), Until: time.Now().Add(-time.Second)}
	rotated, err := f.hooks.ChangeWebhook(t.Context(), f.account.ID, w.ID, func(w *hookstore.Endpoint) error {
		w.OldSecrets = dispatch.OldSecrets{{Secret: w.Secret, Until: time.Now().Add(time.Hour)}, older, ended}
		w.Secret = NewSecret()
		return nil
	})
	must(t, err)
	f.work(f.deliverer(nil))
	verifies := func(g got, secret string) bool {
		lib, err := standardwebhooks.NewWebhook(secret)
		must(t, err)
		return lib.Verify([]byte(g.Body), g.Header) == nil
	}
	f.send(1, nil)
	f.until("it is there", func() bool { return r.count() == 1 })
	if g := r.requests()[0]; !verifies(g, w.Secret) || !verifies(g, rotated.Secret) || !verifies(g, older.Secret) ||
		verifies(g, ended.Secret) {
		t.Errorf("signatures %q", g.Header.Get("Webhook-Signature"))
	}
	f.until("the older one has ended by the clock", func() bool { return time.Now().After(older.Until) })
	f.send(1, nil)
	f.until("the other is there", func() bool { return r.count() == 2 })
	if g := r.requests()[1]; !verifies(g, w.Secret) || !verifies(g, rotated.Secret) || verifies(g, older.Secret) {
		t.Error("each old secret must sign until its own end")
	}
}

func TestDeliver_OneHangingEndpoint_HoldsNobodyUp(t *testing.T) {
	f := newFixture(t)
	stop := make(chan struct{})
	var open, most atomic.Int32
	slow := receive(t, func(_ int, _ got, _ http.ResponseWriter) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-stop
		open.Add(-1)
	})
	defer close(stop)
	f.endpoint(Standard, slow.URL)
	var quick []*receiver
	for range 15 {
		r := receive(t, nil)
		quick = append(quick, r)
		f.endpoint(Standard, r.URL)
	}
	f.work(f.deliverer(nil))
	f.work(f.deliverer(nil))
	began := time.Now()
	f.send(30, nil)
	f.until("the others have theirs", func() bool {
		return !slices.ContainsFunc(quick, func(r *receiver) bool { return len(r.ids()) < 30 })
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	if n := most.Load(); n != concurrency {
		t.Errorf("%d calls at once to one endpoint, want %d", n, concurrency)
	}
}

// A backlog has several events of one message: they go out one after another, in
// their sequence, while other messages' go out beside them.
func TestDeliver_Backlog_EventsOfAMessageDoNotOvertake(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	open, last, beside := map[any]bool{}, map[any]float64{}, 0
	r := receive(t, func(_ int, g got, _ http.ResponseWriter) {
		data := decode(t, g.Body).Data
		id, seq := data["message_id"], data["sequence"].(float64)
		mu.Lock()
		if open[id] || seq < last[id] {
			t.Errorf("event %v of %v came after %v, or beside another", seq, id, last[id])
		}
		open[id], last[id] = true, seq
		beside = max(beside, len(open))
		mu.Unlock()
		time.Sleep(5 * time.Millisecond) // a receiver that works
		mu.Lock()
		delete(open, id)
		mu.Unlock()
	})
	f.endpoint(Standard, r.URL)
	ids := f.send(20, nil)
	for _, st := range []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read} {
		f.evidence(ids, st)
	}
	f.expand(f.deliverer(nil))
	f.work(f.deliverer(nil))
	f.until("all events have come", func() bool { return len(r.ids()) >= 4*len(ids) })
	mu.Lock()
	defer mu.Unlock()
	if beside < 2 {
		t.Error("no two messages' events went out at once")
	}
}

// The worker waits three seconds for its feeder to stop: a database that does not
// take results must not make them more, nor keep the lane.
func TestDeliver_StoppedWhileResultsCannotBeWritten_EndsInTimeAndRepeatsThem(t *testing.T) {
	f := newFixture(t)
	locked := make(chan struct{})
	r := receive(t, func(n int, _ got, _ http.ResponseWriter) {
		if n == 1 {
			<-locked
		}
	})
	f.endpoint(Standard, r.URL)
	f.send(1, nil)
	d := f.deliverer(nil)
	f.expand(d)
	ctx, stop := context.WithCancel(t.Context())
	must(t, d.Deliver(ctx))
	f.until("the call is open", func() bool { return r.count() == 1 })
	tx, err := f.db.Begin()
	must(t, err)
	_, err = tx.Exec(`LOCK TABLE webhook_deliveries IN EXCLUSIVE MODE`)
	must(t, err)
	close(locked)
	f.until("the result waits for the lock", func() bool {
		var waiting int
		must(
			t,
			f.db.QueryRow(`SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = `+
				`current_database())`).
				Scan(&waiting),
		)
		return waiting > 0
	})
	stop()
	began := time.Now()
	d.Wait()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopping took %s", took)
	}
	must(t, tx.Rollback())
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if got := r.requests(); len(got) != 2 || got[0].id() != got[1].id() {
		t.Errorf("%d requests, want the same one twice", len(got))
	}
}

func TestDeliver_PrivateAddresses_AreRefusedWhenDialed(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	port := r.URL[strings.LastIndexByte(r.URL, ':'):]
	var ws []hookstore.Endpoint
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1",
		"[fd00:ec2::254]", "192.168.0.1",
	} {
		ws = append(ws, f.endpoint(Standard, "http://"+host+port+"/"))
	}
	f.send(1, nil)
	d := f.deliverer(func(o *Options) { o.AllowLoopback, o.Scale = false, 1 })
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	for _, w := range ws {
		l := f.log(w)
		tries, err := l[0].TriesMade()
		must(t, err)
		if len(tries) != 1 || tries[0].Error != "the address is private; only addresses on the public internet are called" {
			t.Errorf("%s: %+v", w.URL, tries)
		}
	}
	if r.count() != 0 {
		t.Error("a request came through")
	}
}

func TestDeliver_Redirect_IsNotFollowed(t *testing.T) {
	f := newFixture(t)
	inner := receive(t, nil)
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) {
		w.Header().Set("Location", inner.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	w := f.endpoint(Standard, r.URL)
	f.send(1, nil)
	d := f.deliverer(func(o *Options) { o.Scale = 1 })
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if l := f.log(w); r.count() != 1 || inner.count() != 0 || l[0].State != hookstore.Pending {
		t.Errorf("%d and %d calls, %+v", r.count(), inner.count(), l[0])
	}
}

func TestDeliver_CustomHeaders_AreSentAndOursStand(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	w := f.endpoint(Standard, r.URL)
	_, err := f.hooks.ChangeWebhook(t.Context(), f.account.ID, w.ID, func(w *hookstore.Endpoint) error {
		w.Headers = map[string]string{"Authorization": "Bearer theirs", "X-Tenant": "7"}
		return nil
	})
	must(t, err)
	var sealed []byte
	must(t, f.db.QueryRow(`SELECT sealed FROM webhooks WHERE id = $1`, w.ID).Scan(&sealed))
	if strings.Contains(string(sealed), "theirs") || strings.Contains(string(sealed), w.Secret) {
		t.Error("secrets lie open in the database")
	}
	f.work(f.deliverer(nil))
	f.send(1, nil)
	f.until("it is there", func() bool { return r.count() == 1 })
	h := r.requests()[0].Header
	if h.Get("Authorization") != "Bearer theirs" || h.Get("X-Tenant") != "7" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

func TestDeliver_WorkerGone_LaneComesBackAfterItsLease(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	f.endpoint(Standard, r.URL)
	f.send(1, nil)
	d := f.deliverer(nil)
	f.expand(d)
	turns, err := f.hooks.TakeTurns(t.Context(), 10) // and is never heard of again
	must(t, err)
	if len(turns) != 1 {
		t.Fatalf("%d turns", len(turns))
	}
	f.send(1, nil)
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if r.count() != 0 {
		t.Fatal("two workers at one endpoint")
	}
	_, err = f.db.Exec(`UPDATE webhooks SET lease_until = now(), wake_at = least(wake_at, now())`)
	must(t, err)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if n := len(r.ids()); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	if spent, err := f.hooks.EndTurn(t.Context(), &turns[0], 9, 0, 0); spent || err != nil {
		t.Errorf("a lost lease ended a turn: %v %v", spent, err)
	}
}

func TestDeliver_OddAddresses_AreSignedAsTheReceiverSeesThem(t *testing.T) {
	f := newFixture(t)
	type hit struct{ address, signature, body string }
	hits := make(chan hit, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hits <- hit{"http://" + r.Host + r.RequestURI, r.Header.Get(twilio.SignatureHeader), string(body)}
	}))
	t.Cleanup(srv.Close)
	want := map[string]string{}
	for suffix, seen := range map[string]string{"": "/", "/hook/{id}": "/hook/%7Bid%7D", "/a b?q=olá#frag": "/a%20b?q=ol%C3%A1"} {
		w := f.endpoint(Twilio, srv.URL+suffix) // stored as given, as older processes did
		want[srv.URL+seen] = w.Secret
	}
	f.work(f.deliverer(nil))
	id := f.send(1, nil)
	f.evidence(id, dispatch.Sent)
	for len(want) > 0 {
		select {
		case h := <-hits:
			form, err := url.ParseQuery(h.body)
			must(t, err)
			if secret, ok := want[h.address]; !ok || h.signature != twilio.Sign(secret, h.address, form) {
				t.Errorf("called %s with %s", h.address, h.signature)
			}
			delete(want, h.address)
		case <-time.After(20 * time.Second):
			t.Fatalf("not called: %v", want)
		}
	}
}
