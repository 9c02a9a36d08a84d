package audience_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/importer"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/runner"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	imports "github.com/sendoff/sendoff/internal/store/audience"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// stage is a database with the demo account, whose CPU time is taken.
type stage struct {
	*testing.B
	db      *pg.DB
	aside   *pg.DB // whose work does not count
	account account.Account
	imports *imports.Store
	store   *campaigns.Store
	reg     *registry.Registry
}

// cpu returns the CPU time that this process and its Postgres backends have used.
func (s *stage) cpu() (own, backends time.Duration) {
	var use syscall.Rusage
	storetest.Must(s, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	own = time.Duration(use.Utime.Nano() + use.Stime.Nano())
	var pids []int
	var aside int
	storetest.Must(s, s.aside.GetContext(s.Context(), &aside, `SELECT pg_backend_pid()`))
	storetest.Must(s, s.db.SelectContext(s.Context(), &pids,
		`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
		AND pid <> $1`, aside))
	for _, pid := range pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		storetest.Must(s, err)
		ns, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		storetest.Must(s, err)
		backends += time.Duration(ns)
	}
	return own, backends
}

// measure reports the CPU time of f for each of n rows.
func (s *stage) measure(what string, n int, f func()) {
	own, backends := s.cpu()
	f()
	o, b := s.cpu()
	us := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	s.ReportMetric(us(o-own), what+"-own-us/row")
	s.ReportMetric(us(b-backends), what+"-postgres-us/row")
}

// load imports a file and returns the import's id.
func (s *stage) load(kind, file string) (id int64) {
	ctx := s.Context()
	i, err := s.imports.CreateImport(ctx, &imports.Import{Account: s.account.ID, Actor: "test", Kind: kind}, &imports.Options{Format: "csv"})
	storetest.Must(s, err)
	const chunk = 1 << 18
	for at := 0; at < len(file); at += chunk {
		storetest.Must(s, s.imports.Append(ctx, s.account.ID, i.ID, int64(at), []byte(file[at:min(at+chunk, len(file))])))
	}
	_, err = s.imports.StartImport(ctx, s.account.ID, i.ID, "test.csv")
	storetest.Must(s, err)
	s.until(`SELECT status = 'done' AND $2 >= 0 FROM imports WHERE id = $1`, i.ID, 0)
	return i.ID
}

// launch launches a campaign to an import.
func (s *stage) launch(id int64) int64 {
	definition, err := json.Marshal(map[string]any{
		"name": "Orders", "type": "template", "time_zone": "UTC", "audience": map[string]any{"import": id},
		"template": map[string]any{"name": "order_confirmation", "language": "en", "variables": map[string]any{
			"customer_name": "{{name}}", "order_id": "{{order|none}}", "total": "{{total}}",
		}},
	})
	storetest.Must(s, err)
	chs, err := account.New(s.db).Channels(s.Context(), s.account.ID)
	storetest.Must(s, err)
	c := campaigns.Campaign{Account: s.account.ID, Name: "Orders", Definition: string(definition), Contacts: "[]"}
	storetest.Must(s, s.store.Create(s.Context(), &c))
	now := time.Now()
	c.State, c.Channel, c.NextAt, c.LaunchedAt, c.Fill = campaign.Scheduled, chs[0].ID, &now, &now, "{}"
	storetest.Must(s, s.store.Save(s.Context(), &c))
	return c.ID
}

// runnerStore is the store as a runner sees it.
type runnerStore struct{ *campaigns.Store }

func (s runnerStore) Tx(ctx context.Context, f func(runner.Tx) error) error {
	return s.Store.Tx(ctx, func(tx *campaigns.Store) error { return f(tx) })
}

// runner returns the runner of a worker.
func (s *stage) runner() *runner.Runner {
	return runner.New(runner.Options{
		Store: runnerStore{s.store}, Registry: s.reg, Log: slog.New(slog.DiscardHandler),
		Charges: func(context.Context, int64) (bool, error) { return false, nil },
	})
}

// run fills the ledger of a campaign and makes its messages: as a worker does.
func (s *stage) run(id int64, rows int) {
	defer s.background(s.reg.Run)()
	defer s.background(s.runner().Run)()
	s.measure("fill", rows, func() { s.until(`SELECT filled AND $2 >= 0 FROM campaigns WHERE id = $1`, id, 0) })
	s.measure("queue", rows, func() { s.until(sqlSettle, id, 1000) })
	wrong, err := s.store.CheckCounts(s.Context(), id)
	if err != nil || wrong > 0 {
		s.Errorf("%d counts are wrong, %v", wrong, err)
	}
}

// sqlSettle ends some of the messages that a campaign has in the queue, without the cost of
// sending them, and returns whether all are made.
const sqlSettle = `
WITH d AS (DELETE FROM dispatch WHERE message_id = ANY(ARRAY(SELECT message_id FROM dispatch WHERE campaign_id = $1 LIMIT $2))
  RETURNING message_id),
r AS (UPDATE campaign_recipients SET status = 30 WHERE campaign_id = $1 AND seq = ANY(ARRAY(SELECT ledger_seq(message_id) FROM d))
  RETURNING 1),
n AS (INSERT INTO campaign_changes (campaign_id, status, reason, n)
  SELECT $1, status, 0, n FROM (SELECT count(*) AS k FROM r) r, LATERAL (VALUES (10, -k), (30, k)) x (status, n) WHERE n <> 0)
SELECT coalesce(sum(n), 0) = 0 FROM (SELECT n FROM campaign_counts WHERE campaign_id = $1 AND status < 10
  UNION ALL SELECT n FROM campaign_changes WHERE campaign_id = $1 AND status < 10) x`

// until repeats a query with the campaign's id and a number, ten times a second, until it returns true.
// Its cost does not count.
func (s *stage) until(query string, id int64, n int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ok := false; !ok; <-tick.C {
		storetest.Must(s, s.aside.GetContext(s.Context(), &ok, query, id, n))
	}
}

// background runs f until the function that it returns is called.
func (s *stage) background(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	return func() { cancel(); <-done }
}

// newStage makes a database with the demo account.
func newStage(b *testing.B) *stage {
	url := storetest.Postgres(b)
	db := storetest.Open(b, url, 4)
	accounts := account.New(db)
	s := &stage{
		B: b, db: db, aside: storetest.Open(b, url, 1), imports: imports.New(db), store: campaigns.New(db),
		reg: registry.New(accounts, store.New(db), nil, slog.New(slog.DiscardHandler)),
	}
	var err error
	s.account, err = demo.Account(b.Context(), accounts, "http://127.0.0.1:1")
	storetest.Must(b, err)
	return s
}

// rowsOf returns a file of n rows.
func rowsOf(n int) string {
	var file strings.Builder
	file.WriteString("phone,name,order,total\n")
	for i := range n {
		fmt.Fprintf(&file, "+1555%07d,Ada %d,A-%d,9.90\n", i*100+1, i, i)
	}
	return file.String()
}

// BenchmarkLedger reports the CPU time of a row of an audience from the upload to the ledger of a campaign and from there to the
// queue, and of a contact.
func BenchmarkLedger(b *testing.B) {
	const rows = 50_000
	s, file := newStage(b), rowsOf(rows)
	defer s.background(importer.New(s.imports, slog.New(slog.DiscardHandler)).Run)()
	var id int64
	s.measure("audience", rows, func() { id = s.load(imports.Audience, file) })
	s.run(s.launch(id), rows)
	s.measure("contacts", rows, func() { s.load(imports.Contacts, file) })
}

// BenchmarkLedger_SlowChannel reports what a row costs from the ledger to the queue on a channel of 200 messages a second, which
// has five seconds of them in the queue.
func BenchmarkLedger_SlowChannel(b *testing.B) {
	const rows, rate = 4_000, 200
	s := newStage(b)
	chs, err := account.New(s.db).Channels(b.Context(), s.account.ID)
	storetest.Must(b, err)
	chs[0].Policy.Rate = rate
	_, err = account.New(s.db).UpdateChannel(b.Context(), chs[0])
	storetest.Must(b, err)
	stop := s.background(importer.New(s.imports, slog.New(slog.DiscardHandler)).Run)
	id := s.launch(s.load(imports.Audience, rowsOf(rows)))
	stop()
	defer s.background(s.runner().Run)()
	s.until(`SELECT count(*) >= $2 FROM dispatch WHERE campaign_id = $1`, id, 5*rate)
	s.measure("queue", rows-5*rate, func() { s.until(sqlSettle, id, rate/10) })
}
