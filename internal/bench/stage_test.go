package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/wait"
)

// play is a stage with real servers and processes, for tests of a twentieth of the
// size.
type play struct {
	*testing.T
	*stage
	printed *bytes.Buffer
}

func newPlay(t *testing.T) *play {
	t.Helper()
	binary, err := os.Executable()
	must(t, err)
	dir, err := devstack.MkdirTemp("", "sendoff-bench-test")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("SENDOFF_BENCH_TEST", "1") // TestMain makes the test's program sendoff
	p := &play{T: t, printed: &bytes.Buffer{}}
	p.stage = &stage{o: Options{Binary: binary, Dir: dir, Quick: true, Out: p.printed, divide: 20}, report: &Report{}, client: loadClient()}
	t.Cleanup(p.close)
	must(t, p.start(t.Context()))
	return p
}

// count returns the number that a query returns.
func (p *play) count(query string, args ...any) (n int) {
	p.Helper()
	must(p.T, p.db.QueryRowContext(p.Context(), query, args...).Scan(&n))
	return n
}

// The parts of figures are right one by one: what a run adds up stands and falls
// with them.
func TestStage(t *testing.T) {
	p := newPlay(t)
	for _, part := range []struct {
		name string
		run  func(*play)
	}{
		{"backlog", (*play).backlogAndDrain},
		{"audit", (*play).auditArithmetic},
		{"late", (*play).lateMessages},
		{"callbacks", (*play).callbacks},
		{"features", (*play).featuresOfATenant},
		{"doors", (*play).doors},
		{"raw", (*play).rawLimits},
		{"redis", (*play).redisAndMemory},
		{"pages", (*play).pagesAreStored},
		{"growth", (*play).growthNeedsCallbacks},
	} {
		t.Run(part.name, func(t *testing.T) {
			part.run(&play{t, p.stage, p.printed})
		})
	}
}

// A backlog is whole requests, each message to somebody else; it waits until workers
// start, who leave nothing.
func (p *play) backlogAndDrain() {
	p.stopWork()
	n, err := p.backlog(p.Context(), p.channels[0].ID, "normal", 1200)
	must(p.T, err)
	waiting, err := p.waiting(p.Context())
	must(p.T, err)
	rows, recipients := p.count(`SELECT count(*) FROM messages`), p.count(`SELECT count(DISTINCT recipient) FROM messages`)
	if n != 1500 || p.sent != n || waiting != n || rows != n || recipients != n {
		p.Errorf("%d accepted, %d sent, %d waiting, %d rows to %d", n, p.sent, waiting, rows, recipients)
	}
	if got, err := p.received(p.Context()); got != 0 || err != nil {
		p.Errorf("the provider has %d before a worker runs, %v", got, err)
	}
	rate, err := p.drainRate(p.Context(), n, 2)
	must(p.T, err)
	got, err := p.received(p.Context())
	left, waits := p.count(`SELECT count(*) FROM dispatch`), p.count(`SELECT count(*) FROM messages WHERE status <> 30`)
	if err != nil || got != n || rate <= 0 || left != 0 || waits != 0 {
		p.Errorf("the provider has %d at %v/s, %d are left, %d not sent, %v", got, rate, left, waits, err)
	}
}

// What is accepted and not at the provider is lost, a second copy is a duplicate:
// either ends a run with an error, also if the provider's log was cleared between.
func (p *play) auditArithmetic() {
	audit := func(lost, twice int) {
		p.Helper()
		err := p.audit(p.Context())
		if (err == nil) != (lost == 0 && twice == 0) || p.report.Lost != lost || p.report.Duplicated != twice {
			p.Errorf("%d lost, %d sent twice, %v; want %d and %d", p.report.Lost, p.report.Duplicated, err, lost, twice)
		}
		want := fmt.Sprintf("%d messages were lost and %d sent twice; not sent by their status: none", lost, twice)
		if err != nil && err.Error() != want {
			p.Errorf("%q, want %q", err, want)
		}
		p.report.Duplicated = 0
	}
	audit(0, 0)
	p.sent += 2
	audit(2, 0)
	p.sent -= 2
	ch := p.channels[0]
	body := fmt.Appendf(nil, `{"messaging_product":"whatsapp","to":%q,"type":"text","text":{"body":"x"}}`, recipient(0))
	must(p.T, one(p.client, http.MethodPost, p.emURL+"/v25.0/"+ch.Settings["phone_number_id"]+"/messages", ch.Secrets["access_token"],
		http.StatusOK, body))
	audit(0, 1)
	must(p.T, p.forget(p.Context()))
	if p.arrived != p.sent || p.report.Duplicated != 1 {
		p.Errorf("of %d sent %d had arrived, %d twice", p.sent, p.arrived, p.report.Duplicated)
	}
	audit(0, 1)
	_, err := p.backlog(p.Context(), ch.ID, "bulk", 300)
	must(p.T, err)
	must(p.T, p.forget(p.Context()))
	if p.arrived != p.sent {
		p.Errorf("forgotten while messages were on their way: of %d sent %d had arrived", p.sent, p.arrived)
	}
	if c, err := p.counts(p.Context()); c != (counts{}) || err != nil {
		p.Errorf("after forget the provider counts %+v, %v", c, err)
	}
}

// The time of a message goes from its request to its arrival at the provider,
// however late a worker comes to it.
func (p *play) lateMessages() {
	p.stopWork()
	const pause = 700 * time.Millisecond
	started := make(chan error, 1)
	time.AfterFunc(pause, func() { started <- p.startWork() })
	before := p.sent
	l, err := p.timed(p.Context(), p.channels[0].ID, "otp", 100, 200*time.Millisecond)
	must(p.T, err)
	must(p.T, <-started)
	if len(l.times) != 20 || p.sent != before+20 {
		p.Errorf("%d times of %d messages", len(l.times), p.sent-before)
	}
	if first, last := l.p(0), l.p(1); first < pause-200*time.Millisecond || last < pause || last > 20*time.Second {
		p.Errorf("the first took %s, the last %s; the worker came after %s", first, last, pause)
	}
	l, err = p.timed(p.Context(), p.channels[0].ID, "otp", 100, 200*time.Millisecond)
	if err != nil || len(l.times) != 20 || l.p(0) <= 0 || l.p(0) > pause {
		p.Errorf("with a worker %d took %s, %v", len(l.times), l.p(0), err)
	}
	ctx, cancel := context.WithTimeout(p.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err = p.arrivals(ctx, map[string]time.Time{"+15550000000": time.Now()}); !errors.Is(err, context.DeadlineExceeded) {
		p.Errorf("a message that never arrives: %v", err)
	}
}

// Callbacks are signed as Meta signs them: each makes its message delivered, and
// with another secret each is refused.
func (p *play) callbacks() {
	first, err := p.newest(p.Context(), 30)
	must(p.T, err)
	var newest addressed
	must(p.T, p.db.QueryRowContext(p.Context(), `SELECT id, recipient FROM messages ORDER BY id DESC LIMIT 1`).Scan(&newest.id, &newest.to))
	newestFirst := func(a, b addressed) int { return strings.Compare(b.id, a.id) }
	if len(first) != 1000 || first[0] != newest || !slices.IsSortedFunc(first, newestFirst) {
		p.Errorf("%d messages from %v; the newest is %v", len(first), first[0], newest)
	}
	people := p.count(`SELECT count(*) FROM identities`)
	if all, err := p.newest(p.Context(), 1_000_000); err != nil || len(all) != p.sent {
		p.Errorf("%d ids of %d messages, %v", len(all), p.sent, err)
	}
	rate, refused := p.callBack(p.Context(), first[:30])
	if rate <= 0 || refused != 0 {
		p.Errorf("%v callbacks a second, %d refused", rate, refused)
	}
	wait.Until(p.T, "30 messages are delivered", func() bool { return p.count(`SELECT count(*) FROM messages WHERE status = 40`) == 30 })
	if n := p.count(`SELECT count(*) FROM identities`); n != people {
		p.Errorf("receipts of the recipients themselves have made %d ids of people", n-people)
	}
	good := p.channels[0].Secrets
	p.channels[0].Secrets = map[string]string{"app_secret": "another"}
	defer func() { p.channels[0].Secrets = good }()
	if _, refused := p.callBack(p.Context(), first[30:40]); refused != 10 {
		p.Errorf("with another secret %d of 10 are refused", refused)
	}
}

// An account of the figure features enforces the conversation window and pays for
// each message; the bare front door has no limits of keys.
func (p *play) featuresOfATenant() {
	full, err := p.tenant(p.Context(), "Full", true)
	must(p.T, err)
	bare, err := p.tenant(p.Context(), "Bare", false)
	must(p.T, err)
	var sum load
	if err := p.texts(p.Context(), p.base, full, time.Second, &sum); err == nil || !strings.Contains(err.Error(), "window") || sum.done != 0 {
		p.Errorf("outside the window: %d accepted, %v", sum.done, err)
	}
	must(p.T, p.openWindows(p.Context(), full.channel, 20_000))
	if n := p.count(`SELECT count(*) FROM windows WHERE channel_id = $1`, full.channel); n != 20_000 {
		p.Errorf("%d windows are open", n)
	}
	before := p.sent
	for range 2 {
		must(p.T, p.texts(p.Context(), p.base, full, 100*time.Millisecond, &sum))
	}
	if sum.done == 0 || sum.done != len(sum.times) || p.sent != before+sum.done || sum.took < 200*time.Millisecond {
		p.Errorf("%+v of %d sent", sum.done, p.sent-before)
	}
	rows := p.count(`SELECT count(*) FROM messages WHERE channel_id = $1`, full.channel)
	paid := p.count(`SELECT coalesce(sum(price), 0) FROM messages WHERE channel_id = $1`, full.channel)
	if rows != sum.done || paid != rows {
		p.Errorf("%d accepted, %d rows, which cost %d", sum.done, rows, paid)
	}
	p.withoutLimits(full)
	sum = load{}
	must(p.T, p.texts(p.Context(), p.base, bare, 50*time.Millisecond, &sum)) // its window is left to the provider
	must(p.T, p.drained(p.Context()))
}

// withoutLimits holds that the bare front door takes what a key may not send.
func (p *play) withoutLimits(t tenant) {
	p.Helper()
	addr, err := devstack.FreeAddress()
	must(p.T, err)
	cmd, err := p.spawn("bench", "--raw-serve", addr)
	must(p.T, err)
	defer p.end(cmd)
	must(p.T, p.ready(p.Context(), "http://"+addr))
	secret := auth.Generate(false)
	hash := auth.Hash(secret)
	_, err = p.accounts.CreateKey(p.Context(), account.Key{
		Account: p.channels[0].Account, Name: "Slow", Prefix: auth.Prefix(secret), Active: true, Permissions: auth.AllPermissions.Names(),
		PerSecond: 10, PerMinute: 1, PerDay: 10,
	}, hash[:])
	must(p.T, err)
	send := func(base string, want int) {
		p.Helper()
		must(p.T, one(p.client, http.MethodPost, base+"/v1/messages", secret, want, message(p.channels[0].ID, "normal", p.sent)))
		if want == http.StatusAccepted {
			p.sent++
		}
	}
	send(p.base, http.StatusAccepted)
	send(p.base, http.StatusTooManyRequests)
	for range 3 {
		send("http://"+addr, http.StatusAccepted)
	}
}

// Another front door is a process of its own on the same database; ending it twice
// is ending it once.
func (p *play) doors() {
	env := slices.Clone(p.env)
	base, cmd, err := p.secondDoor(p.Context())
	must(p.T, err)
	if d := cmp.Diff(env, p.env); d != "" || base == p.base {
		p.Errorf("at %s the environment changed:\n%s", base, d)
	}
	l, err := p.shootMessages(p.Context(), 4, 100*time.Millisecond, p.base, base)
	if err != nil || l.done == 0 || len(l.times) != l.done {
		p.Errorf("through two doors %+v, %v", l, err)
	}
	parts := p.parts()
	for _, name := range []string{"postgres", "redis", "serve", "work"} {
		if parts[name] <= 0 {
			p.Errorf("no process of %s: %v", name, parts)
		}
	}
	p.end(cmd)
	p.end(cmd)
	if cmd.ProcessState == nil || one(p.client, http.MethodGet, base+"/healthz", "", http.StatusOK, nil) == nil {
		p.Errorf("the door at %s is open: %v", base, cmd.ProcessState)
	}
	if _, err := p.spawn("frobnicate"); err != nil {
		p.Errorf("a command that fails by itself: %v", err)
	}
	if err := p.until(p.Context(), 10*time.Millisecond, "nothing", func() (bool, error) { return false, nil }); err == nil ||
		!strings.Contains(err.Error(), "waiting for nothing: ") {
		p.Errorf("waiting in vain: %v", err)
	}
}

// The machine's own limits are measured, and leave nothing behind.
func (p *play) rawLimits() {
	if rate, err := p.rawCopy(p.Context(), 500); err != nil || rate <= 0 {
		p.Errorf("COPY: %v/s, %v", rate, err)
	}
	if n := p.count(`SELECT count(*) FROM pg_class WHERE relname = 'raw_copy'`); n != 0 {
		p.Error("its table is still there")
	}
	if rate, err := p.rawAsynq(p.Context(), 200); err != nil || rate <= 0 {
		p.Errorf("asynq: %v/s, %v", rate, err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if rate, err := p.rawEcho(p.Context(), method, 2, 100*time.Millisecond); err != nil || rate <= 0 {
			p.Errorf("%s echo: %v/s, %v", method, rate, err)
		}
	}
	url, cmd, err := p.raw(p.Context(), "", "the bare provider")
	must(p.T, err)
	defer func() {
		if p.end(cmd); !cmd.ProcessState.Success() { // killed, as one that does not end
			p.Errorf("the bare provider ended with %v", cmd.ProcessState)
		}
	}()
	err = one(p.client, http.MethodPost, url, "", http.StatusAccepted, []byte("{"))
	if err == nil || !strings.Contains(err.Error(), "answer 400") {
		p.Errorf("echo of half a body: %v", err)
	}
	l, err := p.shoot(p.Context(), shots{URLs: []string{url}, Method: http.MethodGet, Conns: 1, For: time.Minute, Want: http.StatusTeapot})
	if err == nil || !strings.Contains(err.Error(), "load: answer 200") || l.done != 0 {
		p.Errorf("an answer that is not wanted: %+v, %v", l, err)
	}
}

// Redis is measured for each message that waits, memory for each process.
func (p *play) redisAndMemory() {
	figures := len(p.report.Figures)
	must(p.T, p.redisPerMessage(p.Context()))
	if len(p.report.Figures) != figures {
		p.Errorf("with nothing waiting: %+v", p.report.Figures[figures:])
	}
	p.stopWork()
	n, err := p.backlog(p.Context(), p.channels[0].ID, "bulk", 1)
	must(p.T, err)
	must(p.T, p.redisPerMessage(p.Context()))
	f := p.figure("redis")
	if f == nil || f.How != fmt.Sprintf("%d messages waiting", n) || f.Value <= 0 || f.Reach != (f.Value <= 100) {
		p.Errorf("%d waiting: %+v", n, f)
	}
	must(p.T, p.drainAfter(p.Context()))
	must(p.T, measureMemory(p.Context(), p.stage))
	for _, name := range []string{"memory serve", "memory work"} {
		if f := p.figure(name); f == nil || f.Value < 5 || f.Value > 1000 || f.Reach != (f.Value <= 150) {
			p.Errorf("%s: %+v", name, f)
		}
	}
	if mib, err := resident(-1); err == nil {
		p.Errorf("a process that is not there has %v MiB", mib)
	}
	if p.figure("nothing") != nil {
		p.Error("a figure that was not measured")
	}
}

// A page of the accept statement is that many rows and wakes a worker.
func (p *play) pagesAreStored() {
	rows, before := p.count(`SELECT count(*) FROM messages`), p.sent
	f, err := p.pagesOf(p.Context(), 25)
	must(p.T, err)
	added := p.count(`SELECT count(*) FROM messages`) - rows
	if f.Name != "page of 25" || f.Value <= 0 || added == 0 || added%25 != 0 || p.sent != before+added {
		p.Errorf("%+v: %d rows of %d sent", f, added, p.sent-before)
	}
	if perMessage := 0; f.Detail == "" {
		p.Error("no WAL")
	} else if _, err := fmt.Sscanf(f.Detail, "%d bytes of WAL a message", &perMessage); err != nil || perMessage < 100 {
		p.Errorf("WAL: %q, %v", f.Detail, err)
	}
	must(p.T, p.drained(p.Context()))
}

// A figure of growth whose callbacks are refused is an error, not a slow figure.
func (p *play) growthNeedsCallbacks() {
	good := p.channels[0].Secrets
	p.channels[0].Secrets = map[string]string{"app_secret": "another"}
	defer func() { p.channels[0].Secrets = good }()
	if rates, err := p.growthRates(p.Context()); err == nil || !strings.Contains(err.Error(), "callbacks were refused") {
		p.Errorf("%v, %v", rates, err)
	}
	must(p.T, measureGrowth(p.Context(), p.stage)) // of no messages: nothing is measured
	if slices.ContainsFunc(p.report.Figures, func(f Figure) bool { return strings.HasPrefix(f.Name, "growth") }) {
		p.Errorf("%+v", p.report.Figures)
	}
	if err := p.audit(p.Context()); err != nil || p.report.Lost != 0 {
		p.Errorf("after all of it: %d lost, %v", p.report.Lost, err)
	}
}
