package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// later is a draft that is scheduled for in that time.
func (f *fixture) later(in time.Duration) NewMessage {
	a := f.draft("+15550000001")
	a.SendAt = time.Now().Add(in)
	return a
}

// change changes a message that must be scheduled.
func (f *fixture) change(t *testing.T, id dispatch.ID, e Edit) error {
	t.Helper()
	done, err := f.Reschedule(t.Context(), id, e)
	if err == nil && !done {
		t.Fatal("the message is not scheduled")
	}
	return err
}

// The fallback that follows when no delivery came in time is counted from the
// new time to send, wherever the message waits.
func TestReschedule_SendAt_MovesTheFallback(t *testing.T) {
	t.Parallel()
	f := open(t)
	times := []time.Duration{time.Minute, 2 * time.Hour, 3 * time.Minute, time.Hour}
	for i, in := range times {
		a := f.later(in)
		a.Fallback, a.FallbackAfter = `[{"type":"text","text":{"body":"x"}}]`, 10*time.Second
		id := f.accept(t, a)[0]
		at := time.Now().Add(times[(i+1)%len(times)])
		must(t, f.change(t, id, Edit{SendAt: &at}))
		var after float64
		must(
			t,
			f.db.GetContext(
				t.Context(),
				&after,
				`SELECT extract(epoch FROM f.wake_at - m.send_at)::float8 FROM fallbacks f JOIN messages m ON m.id = f.message_id WHERE m.id = `+
					`$1::uuid AND m.send_at = $2`,
				id.String(),
				at,
			),
		)
		if after != 10 {
			t.Errorf("from %v to %v: the fallback comes %v s after send_at, want 10", in, times[(i+1)%len(times)], after)
		}
	}
	f.invariants(t)
}

// What a change makes dearer or cheaper is booked with it, and never more than
// the balance; the end of the message refunds its whole price.
func TestReschedule_Price_BooksTheDifference(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to, have, want int64
		uncharged, refused   bool
	}{
		"dearer":            {from: 7, to: 10, have: 100, want: 90},
		"all there is":      {from: 7, to: 10, have: 10, want: 0},
		"not covered":       {from: 7, to: 10, have: 9, want: 2, refused: true},
		"cheaper":           {from: 7, to: 2, have: 100, want: 98},
		"cheaper, at zero":  {from: 7, to: 2, have: 7, want: 5},
		"the same, at zero": {from: 7, to: 7, have: 7, want: 0},
		"was never charged": {from: 7, to: 10, have: 100, want: 100, uncharged: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			_, err := f.accounts.SetCredits(t.Context(), f.account, true, c.have)
			must(t, err)
			a := f.later(time.Hour)
			a.Charge, a.Price = !c.uncharged, c.from
			id := f.accept(t, a)[0]
			before := f.dump(t)
			content, typ := `{"type":"text","text":{"body":"y"}}`, "text"
			err = f.change(t, id, Edit{Content: &content, Type: &typ, Segments: new(2), Price: &c.to})
			if c.refused {
				if dispatch.CodeOf(err) != dispatch.LowBalance {
					t.Errorf("got %v, want a low balance", err)
				}
				if diff := cmp.Diff(before, f.dump(t)); diff != "" {
					t.Errorf("a refused change wrote (-before +after):\n%s", diff)
				}
			} else {
				must(t, err)
			}
			f.balance(t, c.want)
			_, err = f.Cancel(t.Context(), id)
			must(t, err)
			f.balance(t, c.have)
			f.invariants(t)
		})
	}
}

// A recipient who has opted out, or has not written of late, gets no message by
// way of a change.
func TestReschedule_RecipientOrContent_CheckedAsAtAccept(t *testing.T) {
	t.Parallel()
	f := open(t)
	const open, closed, out = "+15550000001", "+15550000002", "+15550000003"
	f.exec(
		t,
		`INSERT INTO windows (channel_id, phone, opened_at) VALUES ($1, $2, now()), ($1, $3, now() - interval '25 hours'), ($1, $4, now())`,
		f.channel,
		open,
		closed,
		out,
	)
	_, err := f.accounts.Suppress(t.Context(), f.account, out, "all", "")
	must(t, err)
	text, template := `{"type":"text","text":{"body":"y"}}`, `{"type":"template","template":{"name":"x"}}`
	for name, c := range map[string]struct {
		to, typ string // of the message
		change  Edit
		want    dispatch.Code // empty: done
	}{
		"to an open window":           {open, "text", Edit{To: new(open), Window: true}, ""},
		"to a closed window":          {open, "text", Edit{To: new(closed), Window: true}, dispatch.OutsideWindow},
		"to one the provider knows":   {open, "text", Edit{To: new(closed)}, ""},
		"template to a closed window": {open, "template", Edit{To: new(closed), Window: true}, ""},
		"to one who opted out":        {open, "template", Edit{To: new(out), Window: true}, dispatch.Suppressed},
		"text for a template":         {closed, "template", Edit{Content: &text, Type: new("text"), Window: true}, dispatch.OutsideWindow},
		"template for a text":         {closed, "text", Edit{Content: &template, Type: new("template"), Window: true}, ""},
		"put off in a closed window":  {closed, "text", Edit{SendAt: new(time.Now().Add(2 * time.Hour)), Window: true}, ""},
	} {
		a := f.later(time.Hour)
		a.To, a.Content.Type = c.to, dispatch.Type(c.typ)
		id := f.accept(t, a)[0]
		before := f.dump(t)
		err := f.change(t, id, c.change)
		if (err != nil) != (c.want != "") || (err != nil && dispatch.CodeOf(err) != c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if diff := cmp.Diff(before, f.dump(t)); err != nil && diff != "" {
			t.Errorf("%s: a refused change wrote (-before +after):\n%s", name, diff)
		}
	}
	f.invariants(t)
}

// Changes, cancels and sends at once never overdraw, and the ledger adds up.
func TestReschedule_Concurrently_NeverOverdraws(t *testing.T) {
	t.Parallel()
	f := open(t)
	_, err := f.accounts.SetCredits(t.Context(), f.account, true, 200)
	must(t, err)
	ids := make([]dispatch.ID, 10)
	for i := range ids {
		a := f.later(time.Hour)
		a.Charge, a.Price = true, 10
		ids[i] = f.accept(t, a)[0]
	}
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				price := int64(5 + (w*7+i*11)%40)
				_, err := f.Reschedule(context.Background(), ids[(w+i)%len(ids)], Edit{Price: &price})
				if i == 19 && w < 2 {
					_, err = f.Cancel(context.Background(), ids[w])
				}
				if err != nil && dispatch.CodeOf(err) == dispatch.LowBalance {
					err = nil
				}
				var low bool
				if err == nil {
					if err = f.db.GetContext(context.Background(), &low, `SELECT balance < 0 FROM accounts WHERE id = $1`, f.account); low {
						err = fmt.Errorf("overdrawn")
					}
				}
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	var spent int64
	must(t, f.db.GetContext(t.Context(), &spent, `SELECT sum(price)::bigint FROM messages WHERE charged = 1`))
	f.balance(t, 200-spent)
	f.invariants(t)
}
