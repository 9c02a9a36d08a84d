package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/api/stream"
	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
)

// listener is a client of the event stream.
type listener struct {
	cancel context.CancelFunc
	body   *bufio.Scanner
	ended  chan struct{}

	mu    sync.Mutex
	ids   []string // of events, as they came
	place string   // where to resume
}

// open begins a stream; after is the Last-Event-ID.
func (f *front) open(key, after string, query ...string) (*http.Response, context.CancelFunc) {
	f.T.Helper()
	return f.openWith(http.DefaultClient, key, after, query...)
}

func (f *front) openWith(c *http.Client, key, after string, query ...string) (*http.Response, context.CancelFunc) {
	f.T.Helper()
	ctx, cancel := context.WithCancel(f.T.Context())
	f.T.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+"/v1/events"+strings.Join(query, ""), nil)
	if err != nil {
		f.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := c.Do(req)
	if err != nil {
		f.T.Fatal(err)
	}
	f.T.Cleanup(func() { _ = res.Body.Close() })
	return res, cancel
}

// listen follows the events from after on in the background.
func (f *front) listen(key, after string) *listener {
	f.T.Helper()
	res, cancel := f.open(key, after)
	if ct := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || ct != stream.Operations()[0].Responses[http.StatusOK].Media {
		f.T.Fatalf("the stream answered %s, %s", res.Status, ct)
	}
	l := &listener{cancel: cancel, body: bufio.NewScanner(res.Body), ended: make(chan struct{})}
	l.next() // the place where it begins
	go func() {
		defer close(l.ended)
		for l.next() {
		}
	}()
	return l
}

// next reads one block of the stream.
func (l *listener) next() bool {
	id, data := "", false
	for l.body.Scan() {
		name, value, _ := strings.Cut(l.body.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data = true
		}
		if l.body.Text() != "" {
			continue
		}
		l.mu.Lock()
		if l.place = id; data {
			l.ids = append(l.ids, id)
		}
		l.mu.Unlock()
		return true
	}
	return false
}

func (l *listener) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

func (l *listener) resume() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.place
}

// cut closes the connection and returns where to resume.
func (l *listener) cut() string {
	l.cancel()
	<-l.ended
	return l.resume()
}

// history returns the ids of an account's events in the order of the log.
func (f *front) history(account int64) []string {
	f.T.Helper()
	rows, err := f.DB.QueryContext(
		f.T.Context(),
		`SELECT xid::text::bigint, id FROM events WHERE account_id = $1 ORDER BY xid, id`,
		account,
	)
	if err != nil {
		f.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var p dispatch.Position
		if err := rows.Scan(&p.XID, &p.ID); err != nil {
			f.T.Fatal(err)
		}
		out = append(out, p.String())
	}
	if err := rows.Err(); err != nil {
		f.T.Fatal(err)
	}
	return out
}

// traffic accepts messages and applies the provider's callbacks: two
// events each.
func (f *front) traffic(account, channel int64, n int) {
	var page []store.NewMessage
	var said []dispatch.StatusUpdate
	for range n {
		id := dispatch.NewID()
		page = append(page, store.NewMessage{Message: &dispatch.Message{
			ID: id, Account: account, Channel: channel, Lane: dispatch.Normal, To: "+15550100", Metadata: "{}",
			Content: dispatch.Content{
				Type: dispatch.TypeText,
			}, Raw: `{"type":"text","text":{"body":"x"}}`, ExpiresAt: time.Now().Add(time.Hour),
		}})
		said = append(
			said,
			dispatch.StatusUpdate{ID: id, Channel: channel, ProviderID: uuid.NewString(), Status: dispatch.Sent, At: time.Now()},
		)
	}
	if _, err := f.Store.InsertMessages(f.T.Context(), page); err != nil {
		f.T.Error(err)
	}
	if _, err := f.Store.ApplyStatuses(f.T.Context(), said); err != nil {
		f.T.Error(err)
	}
}

const insertEvent = `INSERT INTO events (message_id, account_id, kind, detail) VALUES ('00000000-0000-0000-0000-000000000000', $1, 103, $2)`

// Some listen from the beginning, one comes in the middle of it, one is cut
// again and again and resumes; a transaction that is older than most of the
// events commits last.
func TestEvents_ManyStreamsUnderLoad_EachSeesEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	other, otherKey := f.NewAccount("Other")
	ch := apitest.MetaChannel(other.ID)
	ch, err := f.Accounts.CreateChannel(t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	var whole []*listener
	for range 4 {
		whole = append(whole, f.listen(f.Key, ""))
	}
	foreign := f.listen(otherKey, "")
	broken := f.listen(f.Key, "")
	f.traffic(f.Account.ID, f.Channel.ID, 10)
	late, err := f.DB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(insertEvent, f.Account.ID, "late"); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	for range 3 {
		writing.Go(func() {
			for range 20 {
				f.traffic(f.Account.ID, f.Channel.ID, 10)
				f.traffic(other.ID, ch.ID, 3)
			}
		})
	}
	wait.Until(t, "everybody has the first events", func() bool {
		return len(broken.seen()) >= 20 && !slices.ContainsFunc(whole, func(l *listener) bool { return len(l.seen()) < 20 })
	})
	var pieces []string
	resume := func() {
		place := broken.cut()
		pieces = append(pieces, broken.seen()...)
		broken = f.listen(f.Key, place)
	}
	resume()
	middle := f.listen(f.Key, "")
	writing.Wait()
	if n := len(whole[0].seen()); n != 20 {
		t.Errorf("%d events while an older transaction runs, want the 20 before it", n)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	resume()
	f.traffic(f.Account.ID, f.Channel.ID, 500)
	resume()
	f.traffic(f.Account.ID, f.Channel.ID, 10)
	want, theirs := f.history(f.Account.ID), f.history(other.ID)
	wait.Until(t, "everybody has all", func() bool {
		return !slices.ContainsFunc(whole, func(l *listener) bool { return len(l.seen()) < len(want) }) &&
			len(pieces)+len(broken.seen()) >= len(want) && len(foreign.seen()) >= len(theirs) && len(middle.seen()) >= len(want)-20
	})
	for i, l := range whole {
		same(t, fmt.Sprint("listener ", i), l.seen(), want)
	}
	same(t, "the one that resumed", append(pieces, broken.seen()...), want)
	same(t, "the one that came later", middle.seen(), want[20:])
	same(t, "the other account", foreign.seen(), theirs)
}

func same(t *testing.T, who string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	t.Errorf("%s: %d events, want %d; they differ from number %d on", who, len(got), len(want), i)
}

// What it missed is more than a page, and so is what comes meanwhile.
func TestEvents_ResumedFarBehind_CatchesUp(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	l := f.listen(f.Key, "")
	place := l.cut()
	const many = `INSERT INTO events (message_id, account_id, kind) SELECT '00000000-0000-0000-0000-000000000000', $1::bigint + n % 2, 103 ` +
		`FROM generate_series(1, 3000) n`
	for range 2 {
		if _, err := f.DB.Exec(many, f.Account.ID); err != nil {
			t.Fatal(err)
		}
	}
	l = f.listen(f.Key, place)
	if _, err := f.DB.Exec(many, f.Account.ID); err != nil {
		t.Fatal(err)
	}
	want := f.history(f.Account.ID)
	wait.Until(t, "all is there", func() bool { return len(l.seen()) >= len(want) })
	same(t, "the listener", l.seen(), want)
}

// A summary names the first events and counts the others of its own account.
func TestEvents_Summary_CountsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("GET", "/v1/events?summary=1", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/summary")
	begin := f.listen(f.Key, "").cut()
	const many = `INSERT INTO events (message_id, account_id, kind) ` +
		`SELECT '00000000-0000-0000-0000-000000000000', $1::bigint + n % 2, 10 + n % 4 * 10 FROM generate_series(1, 3000) n`
	if _, err := f.DB.Exec(many, f.Account.ID); err != nil {
		t.Fatal(err)
	}
	end := f.history(f.Account.ID)
	res, cancel := f.open(f.Key, begin, "?summary=true")
	defer cancel()
	lines, counts, id := bufio.NewScanner(res.Body), "", ""
	events := 0
	for counts == "" && lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); {
		case name == "id":
			id = value
		case name == "event":
			events++
		case name == "data" && strings.Contains(value, "events.skipped"):
			_, counts, _ = strings.Cut(value, `"counts":`)
		}
	}
	// Of the first hundred events of the log half are ours.
	const want = `{"message.queued":725,"message.sent":725}}`
	if counts != want || events != 51 || id != end[len(end)-1] {
		t.Errorf("%d events, counts %s, want %s; at %s of %s", events, counts, want, id, end[len(end)-1])
	}
}

func TestEvents_TooManyStreamsOfAKey_Are429(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	var open []*listener
	for range 20 {
		open = append(open, f.listen(f.Key, ""))
	}
	f.Do("GET", "/v1/events", nil).Refused(http.StatusTooManyRequests, dispatch.RateLimited)
	f.listen(f.NewKey(f.Account.ID, "view_messages"), "").cut() // another key has its own
	open[7].cut()
	wait.Until(t, "there is room again", func() bool {
		res, cancel := f.open(f.Key, "")
		defer cancel()
		return res.StatusCode == http.StatusOK
	})
}

func TestEvents_LastEventID_NotOurs_IsRefused_FromBeyondTheEnd_IsTheEnd(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for _, id := range []string{"x", "MS4y!", "LTEuMg", "MS4yLjM"} { // "-1.2", "1.2.3"
		f.Do("GET", "/v1/events?last_event_id="+id, nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/last_event_id")
	}
	l := f.listen(f.Key, dispatch.Position{XID: 1 << 40, ID: 1}.String())
	f.traffic(f.Account.ID, f.Channel.ID, 1)
	wait.Until(t, "its events come", func() bool { return len(l.seen()) == 2 })
}

// narrow is a client for which the kernel keeps little.
func narrow() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(4096)
		}
		return c, err
	}}}
}

// lookUps returns how often messages were looked up, as far as Postgres has
// counted: it does so within a second.
func lookUps(f *front) (n int64) {
	f.T.Helper()
	const read = `SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables WHERE relname LIKE 'messages%'`
	if err := f.DB.QueryRow(read).Scan(&n); err != nil {
		f.T.Fatal(err)
	}
	return n
}

// A stop must not wait for those who only listen: neither streams, one of them
// of a client that reads nothing, nor long polls.
func TestStop_EndsStreamsAndLongPollsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	l := f.listen(f.Key, "")
	f.openWith(narrow(), f.Key, "")
	id := dispatch.NewID()
	if _, err := f.Store.InsertMessages(t.Context(), []store.NewMessage{{Message: &dispatch.Message{
		ID: id, Account: f.Account.ID, Channel: f.Channel.ID, Lane: dispatch.Normal, To: "+15550100", Metadata: "{}", Raw: "{}",
		ExpiresAt: time.Now().Add(time.Hour),
		Content:   dispatch.Content{Type: dispatch.TypeText},
	}}}); err != nil {
		t.Fatal(err)
	}
	polled, before := make(chan int, 1), lookUps(f)
	go func() { polled <- f.Do("GET", "/v1/messages/"+id.String()+"?wait=30", nil).Status }()
	wait.Until(t, "the poll has read the message", func() bool { return lookUps(f) > before })
	if _, err := f.DB.Exec(`INSERT INTO events (message_id, account_id, kind, detail) SELECT '00000000-0000-0000-0000-000000000000', $1, `+
		`103, repeat('x', 1000) FROM generate_series(1, 9000) n`, f.Account.ID); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the listener has all", func() bool { return len(l.seen()) >= 9000 })
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- f.Stop() }()
	<-l.ended
	if status := <-polled; status != http.StatusOK {
		t.Errorf("the poll was answered %d", status)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stream and poll ended after %s", took)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the stop took %s", took)
	}
}
