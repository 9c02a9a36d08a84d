package trace

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	tracestore "github.com/sendoff/sendoff/internal/store/trace"
)

// follow makes the spans of what has happened since it was last called, by any
// process.
func (t *Tracer) follow(ctx context.Context) error {
	for {
		events, more, err := t.store.Next(ctx)
		if err != nil {
			return err
		}
		if err := t.page(ctx, events); err != nil {
			return err
		}
		if !more {
			return t.lateCalls(ctx)
		}
	}
}

const (
	// callsAfter is when a message is looked at again whose callback came before the
	// answer to its call: by then the call has ended and is written down.
	callsAfter = time.Minute
	// mostLate is how many such messages are remembered.
	mostLate = 1000
)

// lateCalls makes the spans of calls that were not written down when the outcome was.
func (t *Tracer) lateCalls(ctx context.Context) error {
	var ids []dispatch.ID
	for id, at := range t.late {
		if time.Since(at) > callsAfter {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	messages, err := t.store.Messages(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		delete(t.late, id)
		if m := messages[id]; m != nil {
			s := story{t: t, m: m, origin: originOf(id, m.Traceparent)}
			s.calls(s.inOrder())
		}
	}
	return nil
}

// page makes the spans of events. It lets the exporter keep up: its queue does not
// hold what a page of many failures makes.
func (t *Tracer) page(ctx context.Context, events []tracestore.Event) error {
	const some = 200
	events = fewSlow(events)
	for chunk := range slices.Chunk(events, some) {
		var ids []dispatch.ID
		for _, e := range chunk {
			ids = append(ids, e.Message)
		}
		slices.SortFunc(ids, func(a, b dispatch.ID) int { return slices.Compare(a[:], b[:]) })
		messages, err := t.store.Messages(ctx, slices.Compact(ids))
		if err != nil {
			return err
		}
		for _, e := range chunk {
			if m := messages[e.Message]; m != nil {
				t.event(m, e.Seq)
			}
		}
		t.keepUp(ctx)
	}
	return nil
}

// fewSlow leaves out the events beyond the page's tracestore.MostLate that are of messages
// sent late and nothing else.
func fewSlow(events []tracestore.Event) []tracestore.Event {
	slow := 0
	return slices.DeleteFunc(events, func(e tracestore.Event) bool {
		if marked(e.Message) || always(e.Kind) {
			return false
		}
		slow++
		return slow > tracestore.MostLate
	})
}

// keepUp sends the spans that wait when they are many; a dead collector holds the
// reader up for five seconds a time, which then passes events over.
func (t *Tracer) keepUp(ctx context.Context) {
	if t.sent.Load() < queued/4 {
		return
	}
	t.sent.Store(0)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := t.provider.ForceFlush(ctx); err != nil {
		t.complain.Handle(err)
	}
}

// event makes the spans of the change with a number: its own and, if it is the one
// for which the message is traced, those of all before it.
func (t *Tracer) event(m *tracestore.Message, seq int) {
	at := slices.IndexFunc(m.Changes, func(c tracestore.Change) bool { return c.Seq == seq })
	first := slices.IndexFunc(m.Changes, func(c tracestore.Change) bool { return marked(m.ID) || always(c.Kind) || late(m, &c) })
	if at < 0 || first < 0 || at < first {
		return
	}
	if at > first {
		first = at - 1
	} else {
		first = -1
	}
	s := story{t: t, m: m, origin: originOf(m.ID, m.Traceparent)}
	for i := first + 1; i <= at; i++ {
		s.change(i)
	}
}

// story makes the spans of one message.
type story struct {
	t *Tracer
	m *tracestore.Message
	origin
}

// emit completes a span of the message: all but the first hang under it.
func (s *story) emit(v span, attributes ...attribute.KeyValue) {
	v.trace = s.trace
	if !v.parent.IsValid() {
		v.parent = s.parent
		if root := spanID(s.m.ID, "accept"); v.id != root {
			v.parent = root
		}
	}
	v.attributes = append([]attribute.KeyValue{messageID(s.m.ID), channelID(s.m.Channel), laneName(s.m.Lane)}, attributes...)
	s.t.emit(&v)
}

// change makes the spans of one change.
func (s *story) change(i int) {
	c := &s.m.Changes[i]
	if i == 0 {
		s.emit(span{name: "accept", kind: otrace.SpanKindServer, id: spanID(s.m.ID, "accept"), began: acceptTime(s.m), ended: s.m.CreatedAt},
			attribute.Int64("sendoff.account_id", s.m.Account))
	}
	if settles(c) && !slices.ContainsFunc(s.m.Changes[:i], func(c tracestore.Change) bool { return settles(&c) }) {
		s.settled(c)
	}
	if c.Cause == "callback" {
		s.instant("callback", otrace.SpanKindServer, c)
	}
	if always(c.Kind) {
		s.instant(dispatch.EventName(c.Kind), otrace.SpanKindInternal, c)
	}
}

// instant makes a span of a change, of which only the time is known.
func (s *story) instant(name string, kind otrace.SpanKind, c *tracestore.Change) {
	v := span{name: name, kind: kind, id: spanID(s.m.ID, name, numbered(c.Seq)...), began: c.At, ended: c.At}
	if always(c.Kind) {
		v.fault = cmp.Or(code(c.Code), dispatch.EventName(c.Kind))
	}
	s.emit(v, status(c.Kind), attribute.String("sendoff.code", code(c.Code)))
}

// settled makes the spans of the way to the first outcome: the wait, and each call.
func (s *story) settled(c *tracestore.Change) {
	calls, left := s.inOrder(), c.At
	if len(calls) > 0 {
		left = cmp.Or(claimTime(&calls[0]), started(&calls[0]))
	} else if len(s.t.late) < mostLate && c.Cause == "callback" {
		s.t.late[s.m.ID] = time.Now()
	}
	s.emit(span{name: "queue", kind: otrace.SpanKindInternal, id: spanID(s.m.ID, "queue"), began: due(s.m), ended: left})
	s.calls(calls)
}

// inOrder returns the calls in their order.
func (s *story) inOrder() []tracestore.Call {
	return slices.SortedFunc(slices.Values(s.m.Calls), func(a, b tracestore.Call) int { return started(&a).Compare(started(&b)) })
}

func (s *story) calls(calls []tracestore.Call) {
	for i := range calls {
		s.call(i+1, &calls[i])
	}
}

// call makes the spans of one call: from the claim to its slot, and the call itself.
func (s *story) call(n int, c *tracestore.Call) {
	claim := span{name: "claim", kind: otrace.SpanKindInternal, id: spanID(s.m.ID, "claim", c.Claim[:]...)}
	claim.began, claim.ended = claimTime(c), started(c)
	if !claim.began.IsZero() {
		claim.links = []otrace.Link{{SpanContext: contextOf(otrace.TraceID(c.Claim), spanID(c.Claim, "claim page"))}}
		s.emit(claim, attribute.Int("sendoff.attempt", n))
	} else {
		claim.id = otrace.SpanID{}
	}
	v := span{name: "send", kind: otrace.SpanKindClient, id: spanID(s.m.ID, "send", c.Claim[:]...), parent: claim.id, began: started(c)}
	v.ended = v.began.Add(time.Duration(c.Latency) * time.Millisecond)
	result := store.Result(c.Outcome)
	if result != store.ResultAccepted {
		v.fault = cmp.Or(code(c.Code), result.String())
	}
	s.emit(v, attribute.Int("sendoff.attempt", n), httpStatus(c.HTTP), attribute.String("sendoff.outcome", result.String()),
		attribute.String("sendoff.code", code(c.Code)))
}

// settles reports whether a change ends the way to the provider.
func settles(c *tracestore.Change) bool {
	return c.Kind >= int16(dispatch.Sent) && c.Kind <= int16(dispatch.Unknown)
}

// due returns when a message was to be sent.
func due(m *tracestore.Message) time.Time {
	if m.SendAt != nil && m.SendAt.After(m.CreatedAt) {
		return *m.SendAt
	}
	return m.CreatedAt
}

// acceptTime returns when a message got its id, which is before it was stored.
func acceptTime(m *tracestore.Message) time.Time { return timeOf(m.ID) }

// claimTime returns when a call's message was claimed, zero if that is not known:
// claims of earlier versions do not hold their time.
func claimTime(c *tracestore.Call) time.Time {
	if c.Claim.Version() != 7 {
		return time.Time{}
	}
	return timeOf(c.Claim)
}

// timeOf returns the time in a UUIDv7.
func timeOf(id dispatch.ID) time.Time { return time.Unix(id.Time().UnixTime()) }

func started(c *tracestore.Call) time.Time {
	if c.StartedAt != nil {
		return *c.StartedAt
	}
	return c.At
}

func numbered(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
