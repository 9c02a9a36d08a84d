package accept

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// anything is a provider that can send all there is.
type anything struct{ provider.Provider }

func (anything) Spec() *provider.Spec {
	return &provider.Spec{Kinds: []provider.Kinds{{Kind: "whatsapp", Types: dispatch.Types}, {Kind: "sms", Types: dispatch.Types}}}
}

// nobody looks at the metrics.
type nobody struct{}

func (nobody) Accepted(int64, int) {}
func (nobody) OfferFailed(int)     {}

// counts stands for the recipients' limit and counts what is spent.
type counts struct {
	mu    sync.Mutex
	by    map[string]int
	tries int
	full  int // how many calls find the limiter's own queue full
}

func (c *counts) SpendRecipients(_ context.Context, _ int64, tos []string, _ int) ([]time.Duration, func(context.Context, []int) error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tries++; c.tries <= c.full {
		return nil, nil, fmt.Errorf("spend recipients: %w", batch.ErrOverloaded)
	}
	for _, to := range tos {
		c.by[to]++
	}
	return make([]time.Duration, len(tos)), func(_ context.Context, at []int) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, i := range at {
			if c.by[tos[i]]--; c.by[tos[i]] == 0 {
				delete(c.by, tos[i])
			}
		}
		return nil
	}, nil
}

// service gives a pipeline with an account's caller, and no process around it.
func service(t *testing.T, recipients Recipients) (*Service, *Caller) {
	t.Helper()
	box, err := pg.NewBox("a secret key of the tests")
	must(t, err)
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 8, Application: "accept-test", Box: box})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	st, accounts := store.New(db), account.New(db)
	a, err := accounts.CreateAccount(t.Context(), "Test")
	must(t, err)
	_, err = accounts.CreateChannel(t.Context(), dispatch.Channel{
		Account: a.ID, Name: "SMS", Provider: "any", Kind: "sms", Sender: "+15550002222", Default: true,
		Settings: map[string]string{}, Secrets: map[string]string{}, Policy: dispatch.DefaultPolicy(),
	})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	s := New(Options{Store: st, Accounts: accounts, Registry: registry.New(accounts, st, nil, log), Providers: map[string]provider.Provider{"any": anything{}}, Log: log, Observer: nobody{}, Recipients: recipients})
	return s, &Caller{Account: a, Key: account.Key{ID: 1, Account: a.ID, PerRecipientHour: new(1)}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// page is a batch's page of texts to numbers of its own.
func page(first, n int) []dispatch.Draft {
	ds := make([]dispatch.Draft, n)
	for i := range ds {
		ds[i] = dispatch.Draft{To: fmt.Sprintf("+1555%07d", first+i), Content: dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "hi"}}}
	}
	return ds
}

// What is refused after it was counted doesn't use up its recipient's hour.
func TestAccept_Refused_CountsNoRecipient(t *testing.T) {
	t.Parallel()
	c := &counts{by: map[string]int{}}
	s, who := service(t, c)
	credits := func(on bool) {
		t.Helper()
		a, err := s.Accounts.(*account.Store).SetCredits(t.Context(), who.Account.ID, on, 0)
		must(t, err)
		who.Account = a
	}
	credits(true)
	if out := s.Accept(t.Context(), who, page(0, 3), 0); dispatch.CodeOf(out[2].Err) != dispatch.LowBalance {
		t.Fatalf("%+v", out)
	}
	if _, err := s.AllOrNone(t.Context(), who, page(0, 2)); dispatch.CodeOf(err) != dispatch.LowBalance {
		t.Fatal(err)
	}
	if len(c.by) != 0 || c.tries != 2 {
		t.Errorf("after refusals %v are counted, in %d calls", c.by, c.tries)
	}
	credits(false)
	if _, err := s.AllOrNone(t.Context(), who, page(0, 2)); err != nil {
		t.Fatal(err)
	}
	if len(c.by) != 2 {
		t.Errorf("after two sends %v are counted", c.by)
	}
}

// A page that waits for room before the database, or before the limiter, counts
// against its recipients once, and one that finds none in time not at all.
func TestAccept_WaitsForRoom_CountsRecipientsOnce(t *testing.T) {
	t.Parallel()
	const n = 20
	c := &counts{by: map[string]int{}, full: 1}
	s, who := service(t, c)
	release := make(chan struct{})
	s.bulk = batch.New(batch.Options{Max: n, Queue: n, Workers: 1}, func(_ context.Context, in []store.Accept) ([]dispatch.Receipt, error) {
		<-release
		out := make([]dispatch.Receipt, len(in))
		for i := range in {
			out[i] = dispatch.Receipt{ID: in[i].ID}
		}
		return out, nil
	})
	var wg sync.WaitGroup
	accept := func(first int) {
		wg.Go(func() {
			for i, r := range s.Accept(context.Background(), who, page(first, n), time.Minute) {
				if r.Err != nil {
					t.Errorf("message %d: %v", first+i, r.Err)
				}
			}
		})
	}
	accept(0)
	wait.Until(t, "a page is at the database", func() bool { return recipientsOf(c) == n && s.bulk.Waiting() == 0 })
	accept(n)
	wait.Until(t, "the queue is full", func() bool { return s.bulk.Waiting() == n })
	accept(2 * n)
	wait.Until(t, "the third page is counted", func() bool { return recipientsOf(c) == 3*n })
	if out := s.Accept(context.Background(), who, page(3*n, n), 2*roomEvery); dispatch.CodeOf(out[0].Err) != dispatch.Overloaded {
		t.Errorf("a page whose time is over: %v", out[0].Err)
	}
	close(release)
	wg.Wait()
	if len(c.by) != 3*n {
		t.Errorf("%d recipients counted, want %d", len(c.by), 3*n)
	}
	for to, n := range c.by {
		if n != 1 {
			t.Errorf("%s was counted %d times", to, n)
		}
	}
}

func recipientsOf(c *counts) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.by)
}
