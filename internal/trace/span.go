package trace

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// span is one that has ended.
type span struct {
	name         string
	kind         otrace.SpanKind
	trace        otrace.TraceID
	id           otrace.SpanID
	parent       otrace.SpanID // zero: none
	began, ended time.Time
	attributes   []attribute.KeyValue
	links        []otrace.Link
	fault        string // a code; "": none
}

// emit hands a span to the exporter's queue.
func (t *Tracer) emit(s *span) {
	ctx := context.WithValue(context.Background(), idsKey{}, ids{s.trace, s.id})
	if s.parent.IsValid() {
		ctx = otrace.ContextWithSpanContext(ctx, contextOf(s.trace, s.parent))
	}
	if s.ended.Before(s.began) { // two clocks
		s.ended = s.began
	}
	_, out := t.tracer.Start(ctx, s.name, otrace.WithTimestamp(s.began), otrace.WithSpanKind(s.kind), otrace.WithAttributes(s.attributes...),
		otrace.WithLinks(s.links...))
	if s.fault != "" {
		out.SetStatus(codes.Error, s.fault)
	}
	out.End(otrace.WithTimestamp(s.ended))
	t.sent.Add(1)
}

func contextOf(trace otrace.TraceID, id otrace.SpanID) otrace.SpanContext {
	return otrace.NewSpanContext(otrace.SpanContextConfig{TraceID: trace, SpanID: id, TraceFlags: otrace.FlagsSampled, Remote: true})
}

// origin is where the spans of a message hang.
type origin struct {
	trace  otrace.TraceID
	parent otrace.SpanID // the client's span; zero: none
}

// originOf returns the origin of a message that came with a traceparent, or "".
func originOf(id dispatch.ID, traceparent string) origin {
	if c := parse(traceparent); c.IsValid() {
		return origin{c.TraceID(), c.SpanID()}
	}
	return origin{trace: otrace.TraceID(id)}
}

// spanID returns the id of a span of a message (or of a claim): it follows from the
// name and, of several with one name, from what tells them apart.
func spanID(of dispatch.ID, name string, key ...byte) (id otrace.SpanID) {
	h := fnv.New64a()
	_, _ = h.Write(of[:])
	_, _ = h.Write([]byte(name))
	_, _ = h.Write(key)
	binary.BigEndian.PutUint64(id[:], max(h.Sum64(), 1))
	return id
}

// ids are those of the next span.
type ids struct {
	trace otrace.TraceID
	span  otrace.SpanID
}

type idsKey struct{}

// generator returns for a span the ids in its context.
type generator struct{}

// NewIDs implements sdk.IDGenerator.
func (generator) NewIDs(ctx context.Context) (otrace.TraceID, otrace.SpanID) {
	v, _ := ctx.Value(idsKey{}).(ids)
	return v.trace, v.span
}

// NewSpanID implements sdk.IDGenerator.
func (g generator) NewSpanID(ctx context.Context, _ otrace.TraceID) otrace.SpanID {
	_, id := g.NewIDs(ctx)
	return id
}

// randomIDs returns ids for a span that stands for itself.
func randomIDs() (trace otrace.TraceID, id otrace.SpanID) {
	binary.BigEndian.PutUint64(trace[:], rand.Uint64()|1)
	binary.BigEndian.PutUint64(trace[8:], rand.Uint64())
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1)
	return trace, id
}

// The attributes. They hold nothing personal: ids, and names and numbers of ours.
func messageID(id dispatch.ID) attribute.KeyValue {
	return attribute.String("sendoff.message_id", id.String())
}

func channelID(id int64) attribute.KeyValue { return attribute.Int64("sendoff.channel_id", id) }

func laneName(l dispatch.Lane) attribute.KeyValue {
	return attribute.String("sendoff.lane", l.String())
}

func status(kind int16) attribute.KeyValue {
	return attribute.String("sendoff.status", dispatch.EventName(kind))
}

func httpStatus(code int) attribute.KeyValue { return attribute.Int("http.response.status_code", code) }

// code returns a provider's code as an attribute shows it: anything but a short word
// or number is left out, since it may hold what the provider quotes.
func code(s string) string {
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '.'
	}
	if len(s) > 40 || strings.ContainsFunc(s, odd) {
		return ""
	}
	digits := 0
	for _, r := range s {
		if digits++; r < '0' || r > '9' {
			digits = 0
		}
		if digits > 7 { // as long as a phone number
			return ""
		}
	}
	return s
}
