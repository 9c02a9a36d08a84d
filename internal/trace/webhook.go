package trace

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	tracestore "github.com/sendoff/sendoff/internal/store/trace"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// Parents sets the trace contexts that clients sent, of deliveries about messages
// that have one, and which messages were sent late: tracestore.MostLate of those that
// are traced for nothing else, as the events of a page are.
func (t *Tracer) Parents(ctx context.Context, due []hookstore.Delivery) error {
	messages := make([]dispatch.ID, len(due))
	for i := range due {
		messages[i] = due[i].Message
	}
	parents, err := t.store.Parents(ctx, messages)
	slow := 0
	for i := range due {
		d, p := &due[i], parents[due[i].Message]
		d.Traceparent, d.Slow = p.Traceparent, false
		if p.Slow && !traced(d) {
			slow++
			d.Slow = slow <= tracestore.MostLate
		}
	}
	return err
}

// Header returns the traceparent for the next call of a delivery, and the tracestate
// that the client sent; "" for a delivery that is about no message.
func (t *Tracer) Header(d *hookstore.Delivery) (parent, state string) {
	if d.Message == dispatch.NoID {
		return "", ""
	}
	client := parse(d.Traceparent)
	c := contextOf(originOf(d.Message, d.Traceparent).trace, callID(d))
	return format(c.WithTraceFlags(c.TraceFlags().WithSampled(traced(d)))), client.TraceState().String()
}

// Called makes the span of a call of a webhook that has just ended; status 0: it
// was not answered.
func (t *Tracer) Called(webhook int64, d *hookstore.Delivery, began time.Time, status int) {
	if !traced(d) {
		return
	}
	v := span{name: "webhook", kind: otrace.SpanKindClient, id: callID(d), began: began, ended: time.Now()}
	origin, accept := originOf(d.Message, d.Traceparent), spanID(d.Message, "accept")
	if v.trace, v.parent = origin.trace, accept; d.Slow {
		// Another message of the backlog may have been taken for the other spans: this one
		// stands where the accept span would, and links to it.
		v.parent, v.links = origin.parent, []otrace.Link{{SpanContext: contextOf(origin.trace, accept)}}
	}
	v.attributes = []attribute.KeyValue{
		messageID(d.Message), attribute.Int64("sendoff.webhook_id", webhook), attribute.String("sendoff.delivery_id", d.ID.String()),
		attribute.String("sendoff.status", dispatch.EventName(d.Kind)), attribute.Int("sendoff.attempt", d.Attempts+1), httpStatus(status),
	}
	switch {
	case status == 0:
		v.fault = "no_answer"
	case status/100 != 2:
		v.fault = strconv.Itoa(status)
	}
	t.emit(&v)
}

func traced(d *hookstore.Delivery) bool {
	return d.Message != dispatch.NoID && (marked(d.Message) || always(d.Kind) || d.Slow)
}

func callID(d *hookstore.Delivery) otrace.SpanID {
	return spanID(d.Message, "webhook", binary.BigEndian.AppendUint32(d.ID[:], uint32(d.Attempts))...)
}
