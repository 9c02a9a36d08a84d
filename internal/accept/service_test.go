package accept

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
)

// Receipts stand at the place of their draft, also when some of an all-or-none
// request are simulated.
func TestAllOrNone_SomeSimulated_ReceiptsInPlace(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ds := page(1, 4)
	ds[0].Simulate, ds[2].Simulate = true, true
	out, err := f.AllOrNone(t.Context(), f.who, ds)
	must(t, err)
	var ids []dispatch.ID
	for i, r := range out {
		simulated := r.Status == dispatch.Simulated
		if r.To != ds[i].To || simulated != ds[i].Simulate || simulated != (r.ID == dispatch.NoID) || simulated != (len(r.WouldSend) > 0) {
			t.Errorf("receipt %d of %s: %+v", i, ds[i].To, r)
		}
		if !simulated {
			ids = append(ids, r.ID)
		}
	}
	if got := f.stored(t, ids...); len(got) != 2 || f.count(t) != 2 {
		t.Errorf("%d of 2 messages stored, %d in all", len(got), f.count(t))
	}
}

// One refusal refuses all, wherever it is found: by a check, by a simulation,
// by the accept transaction.
func TestAllOrNone_OneRefused_StoresNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	_, err := f.accounts.Suppress(t.Context(), f.who.Account.ID, number(2), "all", "")
	must(t, err)
	for name, c := range map[string]struct {
		change func(ds []dispatch.Draft)
		want   dispatch.Code
	}{
		"check":       {func(ds []dispatch.Draft) { ds[0].To = number(9); ds[2].To = "nobody" }, dispatch.Invalid},
		"simulation":  {func(ds []dispatch.Draft) { ds[1].Simulate = true }, dispatch.Suppressed},
		"transaction": {func([]dispatch.Draft) {}, dispatch.Suppressed},
	} {
		ds := page(1, 3) // the second one's recipient has opted out
		c.change(ds)
		out, err := f.AllOrNone(t.Context(), f.who, ds)
		if dispatch.CodeOf(err) != c.want || out != nil {
			t.Errorf("%s: %v, receipts %v", name, err, out)
		}
	}
	if n := f.count(t); n != 0 {
		t.Errorf("%d messages stored", n)
	}
	out := f.Accept(t.Context(), f.who, page(1, 3), 0) // each by itself
	if out[0].Err != nil || dispatch.CodeOf(out[1].Err) != dispatch.Suppressed || out[2].Err != nil {
		t.Errorf("each by itself: %v, %v, %v", out[0].Err, out[1].Err, out[2].Err)
	}
}

func TestAllOrNone_Size(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	if _, err := f.AllOrNone(t.Context(), f.who, page(0, maxTogether+1)); len(fields(err)) != 1 || fields(err)[0] != "/to" {
		t.Errorf("too many: %v", err)
	}
	if out, err := f.AllOrNone(t.Context(), f.who, nil); err != nil || len(out) != 0 {
		t.Errorf("none: %v, %v", out, err)
	}
	out, err := f.AllOrNone(t.Context(), f.who, page(0, 1))
	must(t, err)
	if len(out) != 1 || out[0].To != number(0) || out[0].Status != dispatch.Queued {
		t.Errorf("one: %+v", out)
	}
	bad := page(0, 1)
	bad[0].To = "x"
	if out, err := f.AllOrNone(t.Context(), f.who, bad); dispatch.CodeOf(err) != dispatch.Invalid || out != nil {
		t.Errorf("a bad one: %v, %v", out, err)
	}
}

// full makes the batchers hang in front of the database with full queues, until
// the test ends.
func full(t *testing.T, f *fixture) {
	t.Helper()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	hang := func(_ context.Context, in []store.NewMessage) ([]dispatch.Receipt, error) {
		entered <- struct{}{}
		<-release
		return make([]dispatch.Receipt, len(in)), nil
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { close(release); wg.Wait() })
	f.batch = batch.New(batch.Options{Max: 1, Queue: 1, Workers: 1}, hang)
	ctx := context.WithoutCancel(t.Context())
	accept := func(i int) { wg.Go(func() { f.Accept(ctx, f.who, page(i, 1), 0) }) }
	accept(1)
	<-entered // the first is at the database, and not in the queue
	accept(2)
	wait.Until(t, "the queue is full", func() bool { return f.batch.Waiting() == 1 })
}

// A request that waits for room ends within a second when the front door drains,
// and when its context ends; from then on a full queue refuses at once.
func TestAccept_FullQueue_EndsWithShutdown(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(f *fixture, cancel func()){
		"drain":   func(f *fixture, _ func()) { f.StopWaiting() },
		"context": func(_ *fixture, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			full(t, f)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan []dispatch.Receipt, 1)
			go func() { ended <- f.Accept(ctx, f.who, page(3, 1), time.Hour) }()
			select {
			case out := <-ended:
				t.Fatalf("it did not wait: %+v", out)
			case <-time.After(3 * roomEvery):
			}
			stop(f, cancel)
			select {
			case out := <-ended:
				if dispatch.CodeOf(out[0].Err) != dispatch.Overloaded || dispatch.AsError(out[0].Err).RetryAfter != 1 {
					t.Errorf("%+v", out[0])
				}
			case <-time.After(30 * time.Second):
				t.Error("it goes on waiting")
			}
		})
	}
}

// After Close nothing is taken, and the client is asked to repeat: the message
// was surely not stored.
func TestAccept_Closed_IsOverloaded(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	must(t, f.Close(t.Context()))
	if r := f.one(t, text(1)); dispatch.CodeOf(r.Err) != dispatch.Overloaded {
		t.Errorf("%+v", r)
	}
	if n := f.count(t); n != 0 {
		t.Errorf("%d messages stored", n)
	}
}

// unread is a Registry that the database does not answer: not of templates, and of
// channels neither if it holds no other one.
type unread struct{ Registry }

var errEnded = errors.New("read channels: EOF")

func (u unread) FindChannel(
	ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string,
) (*dispatch.Channel, error) {
	if u.Registry == nil {
		return nil, errEnded
	}
	return u.Registry.FindChannel(ctx, account, name, by, kind)
}

func (unread) Templates(context.Context, int64) (*registry.Templates, error) { return nil, errEnded }

// A connection that ends while a message is checked, as in a serve that has just
// started, is no error of the program's: nothing was stored, and the client may repeat.
func TestAccept_NotChecked_IsOverloaded(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	d := dispatch.Draft{To: "+15550000100"}
	d.Content.Type, d.Content.Template = dispatch.TypeTemplate, &dispatch.TemplateUse{Name: "order"}
	for _, r := range []unread{{f.Registry}, {}} {
		f.Registry = r
		got := f.Accept(t.Context(), f.who, []dispatch.Draft{d}, 0)[0].Err
		if e := dispatch.AsError(got); e.Code != dispatch.Overloaded || e.RetryAfter == 0 || !errors.Is(got, errEnded) {
			t.Errorf("%v", got)
		}
	}
}

// poisoned refuses pages that hold one message.
type poisoned struct {
	Store
	to    string
	sizes []int
}

func (p *poisoned) InsertMessages(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error) {
	p.sizes = append(p.sizes, len(page))
	for i := range page {
		if page[i].To == p.to {
			return nil, &pq.Error{Code: "22P05"}
		}
	}
	return p.Store.InsertMessages(ctx, page)
}

// A message that Postgres refuses fails alone: the others of its page are
// stored, and each receipt stands in its place.
func TestInsert_PoisonedMessage_FailsAlone(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.Store = &poisoned{Store: f.store, to: number(6)}
	for i, r := range f.Accept(t.Context(), f.who, page(1, 20), 0) {
		if bad := i == 5; bad != (r.Err != nil) || (!bad && r.To != number(i+1)) {
			t.Errorf("message %d: %+v", i, r)
		}
		if r.Err != nil && dispatch.CodeOf(r.Err) != dispatch.Internal {
			t.Errorf("the refused one: %v", r.Err)
		}
	}
	if n := f.count(t); n != 19 {
		t.Errorf("%d of 19 messages stored", n)
	}
}

func TestPageError(t *testing.T) {
	t.Parallel()
	refusal := dispatch.Errorf(dispatch.LowBalance, "no credits")
	for name, c := range map[string]struct {
		err  error
		want dispatch.Code
	}{
		"refusal":    {refusal, dispatch.LowBalance},
		"full":       {batch.ErrOverloaded, dispatch.Overloaded},
		"closed":     {batch.ErrClosed, dispatch.Overloaded},
		"refused":    {&pq.Error{Code: "42P01"}, dispatch.Internal},
		"shutdown":   {&pq.Error{Code: "57P01"}, dispatch.OutcomeUnknown},
		"connection": {errors.New("EOF"), dispatch.OutcomeUnknown},
		"timeout":    {context.DeadlineExceeded, dispatch.OutcomeUnknown},
	} {
		got := pageError(c.err)
		if dispatch.CodeOf(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
		if notAccepted(got) == (c.want == dispatch.OutcomeUnknown) {
			t.Errorf("%s: surely not accepted: %t", name, notAccepted(got))
		}
	}
}

// A refusal outside the conversation window names the templates that can be
// sent on the channel.
func TestAccept_OutsideWindow_NamesTemplates(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.template(t, "hello", "utility")
	d := text(1)
	d.Channel = f.whatsapp.Key
	together := []dispatch.Draft{d, d}
	together[1].To = number(2)
	_, err := f.AllOrNone(t.Context(), f.who, together)
	for name, err := range map[string]error{"alone": f.one(t, d).Err, "all or none": err} {
		e := dispatch.AsError(err)
		detail, _ := e.Detail.(map[string]any)
		usable, _ := detail["usable_templates"].([]string)
		if e.Code != dispatch.OutsideWindow || len(usable) != 1 || usable[0] != "hello (en)" {
			t.Errorf("%s: %v, %v", name, err, e.Detail)
		}
	}
	d.Simulate = true
	if r := f.one(t, d); dispatch.CodeOf(r.Err) != dispatch.OutsideWindow || dispatch.AsError(r.Err).Detail == nil {
		t.Errorf("simulated: %+v", r)
	}
}

// Uses of templates are written within Run, those of simulations are not
// counted.
func TestUsage_IsWritten(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	id := f.template(t, "hello", "utility")
	d := use("hello", "Ann")
	d.Channel = f.whatsapp.Key
	for range 3 {
		must(t, f.one(t, d).Err)
	}
	d.Simulate = true
	must(t, f.one(t, d).Err)
	ctx, stop := context.WithCancel(t.Context())
	stop() // what is counted is written once more when Run ends
	f.Run(ctx)
	ts, err := f.accounts.Templates(t.Context(), f.who.Account.ID)
	must(t, err)
	if len(ts) != 1 || ts[0].ID != id || ts[0].UsageCount != 3 {
		t.Errorf("%+v", ts)
	}
}
