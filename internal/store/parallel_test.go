package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestClaimPage_Concurrent_EachMessageOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 400)
	var mu sync.Mutex
	owner := map[dispatch.ID]int{}
	var errs []error
	var wg sync.WaitGroup
	for range 20 {
		page := slices.Clone(ids)
		rand.Shuffle(len(page), func(i, j int) { page[i], page[j] = page[j], page[i] })
		wg.Go(func() {
			for part := range slices.Chunk(page, 50) {
				got, err := f.ClaimPage(context.Background(), part, uuid.New(), time.Minute)
				mu.Lock()
				errs = append(errs, err)
				for _, c := range got {
					owner[c.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	for _, id := range ids {
		if owner[id] != 1 {
			t.Errorf("message %s was claimed %d times", id, owner[id])
		}
	}
	f.invariants(t)
}

func TestDueMessages_Concurrent_EachOfferedOnce(t *testing.T) {
	t.Parallel()
	f := open(t)
	const n = 400
	f.messages(t, n)
	var mu sync.Mutex
	seen := map[dispatch.ID]int{}
	var errs []error
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				due, err := f.DueMessages(context.Background(), dispatch.Normal, map[int64]int{f.channel: 10})
				mu.Lock()
				errs = append(errs, err)
				for _, d := range due {
					seen[d.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	for id, k := range seen {
		if k > 1 {
			t.Errorf("message %s was offered %d times", id, k)
		}
	}
	if len(seen) != n {
		t.Errorf("%d messages offered, want %d", len(seen), n)
	}
}

func TestInsertMessages_SameKeyConcurrently_OneMessage(t *testing.T) {
	t.Parallel()
	f := open(t)
	var mu sync.Mutex
	got := map[dispatch.ID]int{}
	first := 0
	var errs []error
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			page := []NewMessage{f.draft("+15550000001"), f.draft("+15550000002")}
			for i := range page {
				page[i].IdemKey, page[i].IdemIndex, page[i].IdemFingerprint = "key", i, "print"
			}
			if rand.IntN(2) == 0 {
				slices.Reverse(page)
			}
			rs, err := f.InsertMessages(context.Background(), page)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			for _, r := range rs {
				errs = append(errs, r.Err)
				got[r.ID]++
				if !r.Replayed {
					first++
				}
			}
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	if len(got) != 2 || first != 2 {
		t.Errorf("%d messages, %d of them as first; want 2", len(got), first)
	}
	f.invariants(t)
}

// Parallel sends never overdraw, and the ledger adds up to the balance.
func TestInsertMessages_Credits_NeverOverdraw(t *testing.T) {
	t.Parallel()
	f := open(t)
	const price, covered = 3, 50
	_, err := f.accounts.SetCredits(t.Context(), f.account, true, covered*price+1)
	must(t, err)
	var accepted, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for k := range 5 {
				page := []NewMessage{f.draft(fmt.Sprintf("+1555%07d", i)), f.draft(fmt.Sprintf("+1555%07d", 100+k))}
				for j := range page {
					page[j].Charge, page[j].Price = true, price
				}
				rs, err := f.InsertMessages(context.Background(), page)
				if err != nil {
					t.Errorf("insert: %v", err)
				}
				for _, r := range rs {
					switch {
					case r.Err == nil:
						accepted.Add(1)
					case dispatch.CodeOf(r.Err) == dispatch.LowBalance:
						refused.Add(1)
					default:
						t.Errorf("refused: %v", r.Err)
					}
				}
			}
		})
	}
	wg.Wait()
	if accepted.Load() != covered || refused.Load() != 200-covered {
		t.Errorf("%d accepted, %d refused; the balance covers %d", accepted.Load(), refused.Load(), covered)
	}
	f.balance(t, 1)
}

// balance holds an account's balance, and the ledger against it.
func (f *fixture) balance(t *testing.T, want int64) {
	t.Helper()
	var row struct {
		Balance int64 `db:"balance"`
		Ledger  int64 `db:"ledger"`
	}
	must(
		t,
		f.db.GetContext(
			t.Context(),
			&row,
			`SELECT balance, (SELECT coalesce(sum(amount), 0) FROM ledger WHERE account_id = a.id)::bigint AS ledger FROM accounts a WHERE id = $1`,
			f.account,
		),
	)
	if row.Balance != want || row.Ledger != want {
		t.Errorf("balance %d, ledger %d, want %d", row.Balance, row.Ledger, want)
	}
}

// Each end of a message moves its price once: failed, expired and cancelled
// give it back, a later delivered takes it again, unknown keeps it.
func TestRefunds_OncePerEnd(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, c := range map[string]struct {
		end  func(*testing.T, *fixture, dispatch.ID)
		want int64
	}{
		"failed": {func(t *testing.T, f *fixture, id dispatch.ID) {
			o := outcome(id, f.claim(t, id), Fail, ResultPermanent)
			f.complete(t, o)
			f.complete(t, o)
		}, 100},
		"failed, then delivered": {func(t *testing.T, f *fixture, id dispatch.ID) {
			f.complete(t, outcome(id, f.claim(t, id), Fail, ResultPermanent))
			f.callback(t, id, dispatch.Delivered)
			f.callback(t, id, dispatch.Delivered)
		}, 93},
		"failed by the provider": {func(t *testing.T, f *fixture, id dispatch.ID) {
			f.complete(t, outcome(id, f.claim(t, id), Settle, ResultAccepted))
			f.callback(t, id, dispatch.Failed)
			f.callback(t, id, dispatch.Failed)
		}, 100},
		"cancelled": {func(t *testing.T, f *fixture, id dispatch.ID) {
			for range 2 {
				_, err := f.Cancel(ctx, id)
				must(t, err)
			}
		}, 100},
		"expired": {func(t *testing.T, f *fixture, id dispatch.ID) {
			f.exec(t, `UPDATE dispatch SET expires_at = now() - interval '1 second'`)
			_, err := f.Expire(ctx, []dispatch.ID{id})
			must(t, err)
		}, 100},
		"unknown": {func(t *testing.T, f *fixture, id dispatch.ID) {
			f.complete(t, outcome(id, f.claim(t, id), Resolve, ResultUnknown))
			must(t, f.SettleDoubts(ctx, []dispatch.ID{id}, []int{0}))
		}, 93},
		"delivered": {func(t *testing.T, f *fixture, id dispatch.ID) {
			f.complete(t, outcome(id, f.claim(t, id), Settle, ResultAccepted))
			f.callback(t, id, dispatch.Delivered)
		}, 93},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			_, err := f.accounts.SetCredits(ctx, f.account, true, 100)
			must(t, err)
			a := f.draft("+15550000001")
			a.Charge, a.Price = true, 7
			c.end(t, f, f.accept(t, a)[0])
			f.balance(t, c.want)
		})
	}
}

// Completions, callbacks, claims, cancels and expiries of overlapping ids, each
// caller in an order of its own, never wait for each other in a circle.
func TestWrites_OverlappingIDs_NeverDeadlock(t *testing.T) {
	t.Parallel()
	f := open(t)
	accounts := [][2]int64{{f.account, f.channel}}
	for range 3 {
		a, c := f.newAccount(t, "meta")
		accounts = append(accounts, [2]int64{a, c})
	}
	var page []NewMessage
	channelOf := map[dispatch.ID]int64{}
	for i := range 300 {
		a := f.draft(fmt.Sprintf("+1555%07d", i%40))
		a.Account, a.Channel = accounts[i%len(accounts)][0], accounts[i%len(accounts)][1]
		a.Charge, a.Price = true, 1
		channelOf[a.ID] = a.Channel
		page = append(page, a)
	}
	for _, a := range accounts {
		_, err := f.accounts.SetCredits(t.Context(), a[0], true, 1000)
		must(t, err)
	}
	ids := f.accept(t, page...)
	until := time.Now().Add(3 * time.Second)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for time.Now().Before(until) && !t.Failed() {
				some := slices.Clone(ids)
				rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				if err := f.storm(w, some[:40], channelOf); err != nil {
					pe, ok := errors.AsType[*pq.Error](err)
					if ok && pe.Code == "55P03" { // two seconds for a lock: a slow machine, and callers repeat it
						continue
					}
					if ok && pe.Code == "40P01" {
						t.Errorf("writer %d: deadlock: %s", w%6, pe.Detail)
						return
					}
					t.Errorf("writer %d: %v", w%6, err)
					return
				}
			}
		})
	}
	wg.Wait()
	f.invariants(t)
}

// storm makes one write of a kind over some messages.
func (f *fixture) storm(kind int, ids []dispatch.ID, channelOf map[dispatch.ID]int64) error {
	ctx := context.Background()
	switch kind % 6 {
	case 0, 1: // claim and complete
		claim := uuid.New()
		got, err := f.ClaimPage(ctx, ids, claim, time.Minute)
		if err != nil {
			return err
		}
		var outs []Outcome
		for i, c := range got {
			switch i % 4 {
			case 0:
				outs = append(outs, outcome(c.ID, claim, Settle, ResultAccepted))
			case 1:
				outs = append(outs, outcome(c.ID, claim, Resolve, ResultUnknown))
			case 2:
				o := outcome(c.ID, claim, Fail, ResultPermanent)
				o.Suppress = true
				outs = append(outs, o)
			case 3:
				o := outcome(c.ID, claim, Retry, ResultTemporary)
				o.Delay = 0
				outs = append(outs, o)
			}
		}
		_, err = f.Complete(ctx, outs)
		return err
	case 2, 3: // callbacks
		var us []dispatch.StatusUpdate
		for i, id := range ids {
			st := []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Failed, dispatch.Read}[i%4]
			us = append(us, dispatch.StatusUpdate{ID: id, Channel: channelOf[id], Status: st, At: time.Now(), Suppress: i%8 == 2})
		}
		_, err := f.ApplyStatuses(ctx, us)
		return err
	case 4: // late completions by workers given up long ago
		var outs []Outcome
		for i, id := range ids {
			outs = append(
				outs,
				outcome(
					id,
					uuid.New(),
					[]Action{Settle, Retry, Resolve, Fail}[i%4],
					[]Result{ResultAccepted, ResultTemporary, ResultUnknown, ResultPermanent}[i%4],
				),
			)
		}
		_, err := f.Complete(ctx, outs)
		return err
	default: // the feeder's housekeeping, and people
		if _, err := f.Cancel(ctx, ids[0]); err != nil {
			return err
		}
		if _, err := f.Doubtful(ctx); err != nil {
			return err
		}
		us := make([]int, len(ids))
		if err := f.SettleDoubts(ctx, ids, us); err != nil {
			return err
		}
		if err := f.Postpone(ctx, ids[:20], time.Millisecond); err != nil {
			return err
		}
		_, err := f.Expire(ctx, ids)
		return err
	}
}

// A page of callbacks that waits for the row of one message, while another's call is
// settled by a transaction that began later, adds its events behind those.
func TestApply_BehindALaterTransaction_EventsInSequence(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	ids := f.messages(t, 3)
	slices.SortFunc(ids, func(a, b dispatch.ID) int { return strings.Compare(a.String(), b.String()) })
	claim := f.claim(t, ids...)
	var us []dispatch.StatusUpdate
	for _, id := range ids {
		us = append(us, dispatch.StatusUpdate{
			ID: id, Channel: f.channel, ProviderID: "wamid." + id.String(), Status: dispatch.Delivered, At: time.Now(),
		})
	}
	held, release, released := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		released <- f.db.Tx(ctx, func(tx *pg.DB) error {
			_, err := tx.ExecContext(ctx, `SELECT 1 FROM dispatch WHERE message_id = $1::uuid FOR UPDATE`, ids[1].String())
			close(held)
			<-release
			return err
		})
	}()
	<-held
	applied := make(chan error, 1)
	go func() {
		_, err := f.ApplyStatuses(ctx, us)
		applied <- err
	}()
	wait.Until(t, "the page waits", func() bool {
		var n int
		must(t, f.db.GetContext(ctx, &n, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event_type = 'Lock'`))
		return n == 1
	})
	f.complete(t, outcome(ids[2], claim, Settle, ResultAccepted))
	close(release)
	must(t, <-released)
	must(t, <-applied)
	var kinds []int
	must(t, f.db.SelectContext(ctx, &kinds, `SELECT kind FROM events WHERE message_id = $1::uuid ORDER BY xid, id`, ids[2].String()))
	if want := []int{int(dispatch.Queued), int(dispatch.Sent), int(dispatch.Delivered)}; !slices.Equal(kinds, want) {
		t.Errorf("the log tells %v, want %v", kinds, want)
	}
	var late int
	must(t, f.db.GetContext(ctx, &late, `SELECT count(*) FROM events WHERE xid > pg_current_xact_id()`))
	if late != 0 {
		t.Errorf("%d events stand beyond the newest transaction", late)
	}
}
