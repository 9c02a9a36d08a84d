package trace

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// mostPages is how many page spans are kept until they are sent; further ones are
// dropped.
const mostPages = 1024

// page is what was done to several messages at once, some of them traced.
type page struct {
	span

	messages []dispatch.ID // the traced ones
	linked   string        // the span of a message that is linked to
	key      []byte
}

type pages struct {
	mu  sync.Mutex
	all []page
}

// note keeps a page that has just ended, if messages of it are traced.
func (t *Tracer) note(p page, n int, id func(int) dispatch.ID) {
	for i := range n {
		if marked(id(i)) {
			p.messages = append(p.messages, id(i))
		}
	}
	if len(p.messages) == 0 {
		return
	}
	p.kind, p.ended = otrace.SpanKindInternal, time.Now()
	p.attributes = append(p.attributes, attribute.Int("sendoff.messages", n))
	t.pages.mu.Lock()
	defer t.pages.mu.Unlock()
	if len(t.pages.all) < mostPages {
		t.pages.all = append(t.pages.all, p)
	}
}

// Stored notes a page of messages that was stored.
func (t *Tracer) Stored(began time.Time, messages []store.NewMessage) {
	p := page{span: span{name: "accept page", began: began}, linked: "accept"}
	p.trace, p.id = randomIDs()
	t.note(p, len(messages), func(i int) dispatch.ID { return messages[i].ID })
}

// Claimed notes a claim.
func (t *Tracer) Claimed(began time.Time, claim uuid.UUID, claimed []store.Claimed) {
	if len(claimed) == 0 {
		return
	}
	p := page{span: span{name: "claim page", began: began, trace: otrace.TraceID(claim), id: spanID(claim, "claim page")}}
	p.linked, p.key = "claim", claim[:]
	p.attributes = []attribute.KeyValue{channelID(claimed[0].Channel), laneName(dispatch.Lane(claimed[0].Lane))}
	t.note(p, len(claimed), func(i int) dispatch.ID { return claimed[i].ID })
}

// Completed notes results that were stored.
func (t *Tracer) Completed(began time.Time, outs []store.Outcome) {
	p := page{span: span{name: "complete page", began: began}, linked: "accept"}
	p.trace, p.id = randomIDs()
	t.note(p, len(outs), func(i int) dispatch.ID { return outs[i].ID })
}

// sendPages makes the spans of the pages that were noted.
func (t *Tracer) sendPages(ctx context.Context) error {
	t.pages.mu.Lock()
	all := t.pages.all
	t.pages.all = nil
	t.pages.mu.Unlock()
	var messages []dispatch.ID
	for i := range all {
		messages = append(messages, all[i].messages...)
	}
	if len(messages) == 0 {
		return nil
	}
	parents, err := t.store.Parents(ctx, messages)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		for _, id := range p.messages {
			to := contextOf(originOf(id, parents[id].Traceparent).trace, spanID(id, p.linked, p.key...))
			p.links = append(p.links, otrace.Link{SpanContext: to})
		}
		t.emit(&p.span)
	}
	return nil
}
