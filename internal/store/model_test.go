package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// place is where a message's row is, in the model.
type place int

const (
	nowhere   place = -1 // finished
	ready     place = 0
	claimed   place = 1
	resolving place = 2
	waiting   place = 9 // in scheduled
)

// modelCall is one provider call as it really was: whether the provider
// took the message, which our side learns late, wrongly not at all, or never.
type modelCall struct {
	claim    uuid.UUID
	taken    bool
	paged    bool   // the message was in a page
	reported Result // 0: not yet
	doubt    bool   // may have succeeded, as far as we can know
}

// modelMessage is a message's state by the protocol (protocol.md 3).
type modelMessage struct {
	id       dispatch.ID
	rule     rule
	place    place
	claim    uuid.UUID // of the newest claim
	unknowns int
	maybe    bool // of the dispatch row
	marked   bool // maybe_sent of the message
	calls    []*modelCall
}

// taken is how many copies the provider has.
func (m *modelMessage) copies() int {
	n := 0
	for _, c := range m.calls {
		if c.taken {
			n++
		}
	}
	return n
}

// machine runs the statements and the model side by side.
type machine struct {
	t   *testing.T
	f   *fixture
	all []*modelMessage
	u   int // unknown retries
}

// The whole protocol against a model: any order of accepting, claiming,
// completing (late, by a worker long given up, twice), callbacks, leases that
// run out, doubts settled by policy, cancelling and expiring.
func TestProtocol_FollowsItsModel(t *testing.T) {
	t.Parallel()
	f := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{t: t, f: f, u: rapid.IntRange(0, 2).Draw(rt, "U")}
		m.accept(rt)
		// What leads on comes more often than what ends: the traps lie four
		// steps deep.
		rt.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "move": m.move, "claim": m.claim, "claim again": m.claim, "drain": m.drainDue, "report": m.report,
			"report more": m.report, "report late": m.report,
			"callback": m.callback, "tidy": m.tidy, "lease": m.lease, "doubts": m.doubts, "doubts again": m.doubts, "end": m.endEarly, "": m.check,
		})
		m.drain(rt)
	})
}

func (m *machine) accept(rt *rapid.T) {
	if len(m.all) >= 8 || len(m.all)-len(m.ids(nowhere)) >= 2 {
		rt.Skip("enough messages")
	}
	a := m.f.draft(fmt.Sprintf("+1555%07d", len(m.all)))
	at, page := ready, []NewMessage{a}
	switch rapid.IntRange(0, 3).Draw(rt, "how") {
	case 0:
		page[0].SendAt, at = time.Now().Add(time.Hour), waiting
	case 1:
		page = append(page, m.f.draft(fmt.Sprintf("+1555%07d", len(m.all)+1)))
		for i := range page {
			page[i].Paged = true
		}
	}
	for _, id := range m.f.accept(m.t, page...) {
		m.all = append(m.all, &modelMessage{id: id, rule: rule{status: dispatch.Queued}, place: at})
	}
}

// paged reports whether a message is in a page or claim.
func (m *machine) paged(x *modelMessage) bool { return m.f.standing(m.t, x.id).Paged }

// tidy may come at any time, and changes nothing that the model knows.
func (m *machine) tidy(*rapid.T) { must(m.t, m.f.TidyPages(context.Background())) }

func (m *machine) any(rt *rapid.T) *modelMessage {
	return rapid.SampledFrom(m.all).Draw(rt, "message")
}

// move lets the time of a scheduled message come.
func (m *machine) move(rt *rapid.T) {
	x := m.any(rt)
	if x.place != waiting {
		rt.Skip("not scheduled")
	}
	m.f.exec(m.t, `UPDATE scheduled SET due_at = now() WHERE message_id = $1::uuid`, x.id.String())
	_, err := m.f.MoveScheduled(context.Background())
	must(m.t, err)
	x.place = ready
}

// claim claims a page: whatever of it is ready becomes ours, and its call is
// made.
func (m *machine) claim(rt *rapid.T) {
	var ids []dispatch.ID
	for _, x := range m.all {
		if rapid.IntRange(0, 3).Draw(rt, "left out") > 0 {
			ids = append(ids, x.id)
		}
	}
	m.f.hour(m.t, m.ids(ready)...)
	paged := map[dispatch.ID]bool{}
	for _, x := range m.all {
		paged[x.id] = m.paged(x)
	}
	claim := uuid.New()
	got, err := m.f.ClaimPage(context.Background(), ids, claim, 20*time.Second)
	must(m.t, err)
	won := m.won(rt, got, claim)
	for _, x := range m.all {
		asked := slices.Contains(ids, x.id)
		if (won[x.id] && !asked) || (asked && x.place == ready && !paged[x.id]) {
			rt.Fatalf("message claimed: %v, asked for: %v", won[x.id], asked)
		}
	}
}

// drainDue claims what is due without naming it, up to a number. Now and then
// the answer is lost, and the claim given back.
func (m *machine) drainDue(rt *rapid.T) {
	before := m.ids(ready)
	m.f.hour(m.t, before...)
	claim, n, pages := uuid.New(), rapid.IntRange(1, 4).Draw(rt, "at most"), rapid.Bool().Draw(rt, "pages first")
	got, expired, err := m.f.ClaimDue(context.Background(), m.f.channel, dispatch.Normal, n, claim, 20*time.Second, pages)
	must(m.t, err)
	if len(expired) > 0 || len(got) != min(n, len(before)) {
		rt.Fatalf("%d claimed and %d expired of %d, at most %d", len(got), len(expired), len(before), n)
	}
	if rapid.IntRange(0, 3).Draw(rt, "answer lost") == 0 {
		must(m.t, m.f.Unclaim(context.Background(), claim))
		return
	}
	m.won(rt, got, claim)
}

// won notes who was claimed. What the provider does with the calls is decided
// here.
func (m *machine) won(rt *rapid.T, got []Claimed, claim uuid.UUID) map[dispatch.ID]bool {
	won, paged := map[dispatch.ID]bool{}, map[dispatch.ID]bool{}
	for _, c := range got {
		won[c.ID], paged[c.ID] = true, c.Paged
	}
	for _, x := range m.all {
		if !won[x.id] {
			continue
		}
		if x.place != ready {
			rt.Fatalf("claimed a message that is not ready: %v", x.place)
		}
		x.place, x.claim = claimed, claim
		x.calls = append(x.calls, &modelCall{
			claim: claim, paged: paged[x.id], taken: rapid.Bool().Draw(rt, "provider takes it"), doubt: true,
		})
	}
	return won
}

func (m *machine) ids(p place) []dispatch.ID {
	var out []dispatch.ID
	for _, x := range m.all {
		if x.place == p {
			out = append(out, x.id)
		}
	}
	return out
}

// report writes the outcome of a call, perhaps long after its claim was given
// up, perhaps once more.
func (m *machine) report(rt *rapid.T) {
	x := m.any(rt)
	if len(x.calls) == 0 {
		rt.Skip("no call")
	}
	c := rapid.SampledFrom(x.calls).Draw(rt, "call")
	if c.reported == 0 {
		c.reported = ResultUnknown // what a client sees of either
		if !rapid.Bool().Draw(rt, "answer lost") {
			c.reported = ResultAccepted
			if !c.taken {
				c.reported = rapid.SampledFrom([]Result{ResultNotSent, ResultThrottled, ResultTemporary, ResultPermanent}).
					Draw(rt, "refusal")
			}
		}
	}
	action := map[Result]Action{ResultAccepted: Settle, ResultUnknown: Resolve, ResultPermanent: Fail}
	a, ok := action[c.reported]
	if !ok {
		a = Retry
	}
	o := outcome(x.id, c.claim, a, c.reported)
	o.Paged = c.paged
	m.f.complete(m.t, o)
	m.reported(x, c, a)
}

// reported is what the model makes of an outcome.
func (m *machine) reported(x *modelMessage, c *modelCall, a Action) {
	mine := x.claim == c.claim && (x.place == claimed || x.place == resolving)
	switch a {
	case Settle:
		if x.place == claimed && x.claim != c.claim {
			x.marked = true // a tombstone
		}
		x.marked = x.marked || (x.place != nowhere && x.maybe)
		x.place, x.rule = nowhere, x.rule.after(evidencePiece{dispatch.Sent, dispatch.ByUs, true})
	case Resolve:
		x.marked = true
		if mine && x.place == claimed {
			x.place, x.unknowns, x.maybe = resolving, x.unknowns+1, true
		}
	case Retry:
		c.doubt = false
		if mine {
			if x.place == resolving {
				x.unknowns--
			}
			x.place = ready
		}
	case Fail:
		c.doubt = false
		if mine {
			st := dispatch.Failed
			if x.maybe || x.marked {
				st = dispatch.Unknown
			}
			x.place, x.rule = nowhere, rule{status: st}
		}
	case Release:
	}
}

// callback reports a copy that the provider took.
func (m *machine) callback(rt *rapid.T) {
	x := m.any(rt)
	if x.copies() == 0 {
		rt.Skip("the provider has nothing to tell of")
	}
	e := rapid.SampledFrom(pieces[:4]).Draw(rt, "status")
	m.f.callback(m.t, x.id, e.status)
	x.marked = x.marked || (x.place != nowhere && (x.maybe || x.place == claimed))
	x.place, x.rule = nowhere, x.rule.after(e)
}

// lease has the leases of dead workers run out.
func (m *machine) lease(rt *rapid.T) {
	ids := m.ids(claimed)
	if len(ids) == 0 {
		rt.Skip("nothing claimed")
	}
	m.f.hour(m.t, ids...)
	_, err := m.f.ExpireLeases(context.Background(), [3]time.Duration{time.Minute, time.Minute, time.Minute})
	must(m.t, err)
	for _, x := range m.all {
		if x.place == claimed {
			x.place, x.unknowns, x.maybe = resolving, x.unknowns+1, true
		}
	}
}

// doubts lets policy decide on unknown outcomes.
func (m *machine) doubts(rt *rapid.T) {
	ids := m.ids(resolving)
	if len(ids) == 0 {
		rt.Skip("nothing in doubt")
	}
	m.f.hour(m.t, ids...)
	ds, err := m.f.Doubtful(context.Background())
	must(m.t, err)
	if len(ds) != len(ids) {
		rt.Fatalf("%d in doubt, want %d", len(ds), len(ids))
	}
	us := make([]int, len(ids))
	for i := range us {
		us[i] = m.u
	}
	must(m.t, m.f.SettleDoubts(context.Background(), ids, us))
	for _, x := range m.all {
		switch {
		case x.place != resolving:
		case x.unknowns <= m.u:
			x.place = ready
		default:
			x.place, x.rule, x.marked = nowhere, rule{status: dispatch.Unknown}, true
		}
	}
}

func (m *machine) endEarly(rt *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(rt, "how") {
	case 0:
		m.cancel(rt)
	case 1:
		m.expire(rt)
	default:
		rt.Skip("not now")
	}
}

func (m *machine) cancel(rt *rapid.T) {
	x := m.any(rt)
	done, err := m.f.Cancel(context.Background(), x.id)
	must(m.t, err)
	if want := x.place != nowhere && x.place != claimed; done != want {
		rt.Fatalf("cancelled: %v, want %v", done, want)
	}
	if done {
		m.end(x, dispatch.Cancelled)
	}
}

func (m *machine) expire(rt *rapid.T) {
	x := m.any(rt)
	if x.place == waiting {
		rt.Skip("scheduled")
	}
	must(m.t, m.f.open(context.Background(), []dispatch.ID{x.id}))
	var before time.Time
	if x.place != nowhere {
		must(
			m.t,
			m.f.db.GetContext(context.Background(), &before, `SELECT expires_at FROM dispatch WHERE message_id = $1::uuid`, x.id.String()),
		)
		m.f.exec(m.t, `UPDATE dispatch SET expires_at = now() - interval '1 second' WHERE message_id = $1::uuid`, x.id.String())
	}
	n, err := m.f.Expire(context.Background(), []dispatch.ID{x.id})
	must(m.t, err)
	if (n == 1) != (x.place == ready) {
		rt.Fatalf("expired %d, in state %d", n, x.place)
	}
	if n == 1 {
		m.end(x, dispatch.Expired)
		return
	}
	m.f.exec(m.t, `UPDATE dispatch SET expires_at = $2 WHERE message_id = $1::uuid`, x.id.String(), before)
}

// end is the end without a call: unknown where a call may have succeeded.
func (m *machine) end(x *modelMessage, st dispatch.Status) {
	if x.maybe || x.marked {
		st, x.marked = dispatch.Unknown, true
	}
	x.place, x.rule = nowhere, rule{status: st}
}

// check compares the database with the model and holds the promises.
func (m *machine) check(rt *rapid.T) {
	for i, x := range m.all {
		got := m.f.standing(m.t, x.id)
		at := nowhere
		switch {
		case got.State != nil && got.Scheduled:
			rt.Fatalf("message %d: in dispatch and in scheduled", i)
		case got.State != nil:
			at = place(*got.State)
		case got.Scheduled:
			at = waiting
		}
		if got.Status != x.rule.status || at != x.place || got.By != x.rule.by {
			rt.Fatalf(
				"message %d: %s by %v at %d; the model says %s by %v at %d",
				i,
				got.Status,
				got.By,
				at,
				x.rule.status,
				x.rule.by,
				x.place,
			)
		}
		m.promises(rt, i, x, got)
	}
}

// promises are those of protocol.md 0, independent of the model.
func (m *machine) promises(rt *rapid.T, i int, x *modelMessage, got standing) {
	if (got.Status == dispatch.Queued) != (got.State != nil || got.Scheduled) {
		rt.Fatalf("message %d is %s; has a row: %v", i, got.Status, got.State != nil || got.Scheduled)
	}
	given := 0
	for _, c := range x.calls {
		if c.doubt {
			given++
		}
	}
	copies := x.copies()
	byUs := got.Status == dispatch.Expired || got.Status == dispatch.Cancelled || (got.Status == dispatch.Failed && got.By == dispatch.ByUs)
	if byUs && (copies > 0 || given > 0) {
		rt.Fatalf("message %d is %s; the provider has %d copies, %d calls may have succeeded", i, got.Status, copies, given)
	}
	if copies > 1+m.u {
		rt.Fatalf("message %d: %d copies, at most %d are allowed", i, copies, 1+m.u)
	}
	if got.Status != dispatch.Queued && copies > 1 && !got.MaybeSent {
		rt.Fatalf("message %d: %d copies and no maybe_sent", i, copies)
	}
	m.visible(rt, i, x, copies)
}

// visible holds that each copy shows in the attempts: but for a call that is
// still open, and holds its claim.
func (m *machine) visible(rt *rapid.T, i int, x *modelMessage, copies int) {
	var shown int
	must(
		m.t,
		m.f.db.GetContext(
			context.Background(),
			&shown,
			`SELECT count(*) FROM attempts WHERE message_id = $1::uuid AND outcome IN (1, 8, 9)`,
			x.id.String(),
		),
	)
	if x.place == claimed {
		shown++
	}
	if shown < copies {
		rt.Fatalf("message %d: %d copies, %d of them in the attempts", i, copies, shown)
	}
}

// drain lets time pass until every message is finished: nothing can get stuck.
func (m *machine) drain(rt *rapid.T) {
	for range 20 {
		open := 0
		for _, x := range m.all {
			switch x.place {
			case nowhere:
				continue
			case waiting:
				m.f.exec(m.t, `UPDATE scheduled SET due_at = now() WHERE message_id = $1::uuid`, x.id.String())
				_, err := m.f.MoveScheduled(context.Background())
				must(m.t, err)
				x.place = ready
			case ready:
				must(m.t, m.f.open(context.Background(), []dispatch.ID{x.id}))
				m.f.hour(m.t, x.id)
				c := &modelCall{claim: m.f.claim(m.t, x.id), taken: true, doubt: true, reported: ResultAccepted}
				x.place, x.claim, x.calls = claimed, c.claim, append(x.calls, c)
				m.f.complete(m.t, outcome(x.id, c.claim, Settle, ResultAccepted))
				m.reported(x, c, Settle)
			case claimed, resolving:
				m.f.hour(m.t, x.id)
				_, err := m.f.ExpireLeases(context.Background(), [3]time.Duration{})
				must(m.t, err)
				if x.place == claimed {
					x.place, x.unknowns, x.maybe = resolving, x.unknowns+1, true
				}
				must(m.t, m.f.SettleDoubts(context.Background(), []dispatch.ID{x.id}, []int{m.u}))
				if x.unknowns <= m.u {
					x.place = ready
				} else {
					x.place, x.rule, x.marked = nowhere, rule{status: dispatch.Unknown}, true
				}
			}
			open++
		}
		m.check(rt)
		if open == 0 {
			return
		}
	}
	rt.Fatal("messages that never finish")
}
