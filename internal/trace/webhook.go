package trace

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// Parents sets the trace contexts that clients sent, of deliveries about messages
// that have one, and which messages were sent late.
func (t *Tracer) Parents(ctx context.Context, due []hookstore.Delivery) error {
	messages := make([]dispatch.ID, len(due))
	for i := range due {
		messages[i] = due[i].Message
	}
	parents, err := t.store.Parents(ctx, messages)
	for i := range due {
		p := parents[due[i].Message]
		due[i].Traceparent, due[i].Slow = p.Traceparent, p.Slow
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
	v.trace, v.parent = originOf(d.Message, d.Traceparent).trace, spanID(d.Message, "accept")
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
