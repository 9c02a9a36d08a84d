package audience_test

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/sendoff/sendoff/internal/runner/audience"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	imports "github.com/sendoff/sendoff/internal/store/audience"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// stage is a database with the demo account, whose CPU time is taken.
type stage struct {
	*testing.B
	db      *pg.DB
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
	storetest.Must(s, s.db.SelectContext(s.Context(), &pids,
		`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'`))
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
	wait.For(s, 10*time.Minute, func() error {
		i, err = s.imports.Import(ctx, s.account.ID, i.ID)
		if err == nil && i.Status != imports.Done {
			err = errors.New("the import is " + i.Status)
		}
		return err
	})
	return i.ID
}

// fill fills the ledger of a new campaign with an import, page by page as a worker does.
func (s *stage) fill(id int64) {
	definition, err := json.Marshal(map[string]any{
		"name": "Orders", "type": "template", "time_zone": "UTC", "audience": map[string]any{"import": id},
		"template": map[string]any{"name": "order_confirmation", "language": "en", "variables": map[string]any{
			"customer_name": "{{name}}", "order_id": "{{order|none}}", "total": "{{total}}",
		}},
	})
	storetest.Must(s, err)
	now := time.Now()
	c := campaigns.Campaign{Account: s.account.ID, Name: "Orders", Definition: string(definition), Contacts: "[]"}
	storetest.Must(s, s.store.Create(s.Context(), &c))
	c.State, c.NextAt, c.LaunchedAt, c.Fill = campaign.Scheduled, &now, &now, "{}"
	storetest.Must(s, s.store.Save(s.Context(), &c))
	for !c.Filled {
		storetest.Must(s, s.store.Tx(s.Context(), func(tx *campaigns.Store) error {
			var ok bool
			if c, ok, err = tx.TakeDue(s.Context()); err != nil || !ok {
				return fmt.Errorf("taken %t: %w", ok, err)
			}
			plan, err := audience.Compile(s.Context(), s.reg, &c, "UTC")
			storetest.Must(s, err)
			_, err = plan.Source(&c, now).Fill(s.Context(), tx, &c)
			storetest.Must(s, err)
			storetest.Must(s, tx.Hold(s.Context(), &c))
			return tx.Save(s.Context(), &c)
		}))
	}
	counts, err := s.store.Counts(s.Context(), []int64{c.ID})
	storetest.Must(s, err)
	s.Logf("%v", counts[c.ID].View())
	wrong, err := s.store.CheckCounts(s.Context(), c.ID)
	if err != nil || wrong > 0 {
		s.Errorf("%d counts are wrong, %v", wrong, err)
	}
}

// BenchmarkLedger reports the CPU time of a row of an audience from the upload to the ledger of a campaign, and of a contact.
func BenchmarkLedger(b *testing.B) {
	const rows = 50_000
	db := storetest.Open(b, storetest.Postgres(b), 4)
	accounts := account.New(db)
	s := &stage{
		B: b, db: db, imports: imports.New(db), store: campaigns.New(db),
		reg: registry.New(accounts, store.New(db), nil, slog.New(slog.DiscardHandler)),
	}
	var err error
	s.account, err = demo.Account(b.Context(), accounts, "http://127.0.0.1:1")
	storetest.Must(b, err)
	var file strings.Builder
	file.WriteString("phone,name,order,total\n")
	for i := range rows {
		fmt.Fprintf(&file, "+1555%07d,Ada %d,A-%d,9.90\n", i*100+1, i, i)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); importer.New(s.imports, slog.New(slog.DiscardHandler)).Run(ctx) }()
	var id int64
	s.measure("audience", rows, func() { id = s.load(imports.Audience, file.String()) })
	s.measure("fill", rows, func() { s.fill(id) })
	s.measure("contacts", rows, func() { s.load(imports.Contacts, file.String()) })
	cancel()
	<-done
}
