package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// tracer notes what it is asked.
type tracer struct {
	mu    sync.Mutex
	calls []string
}

func (*tracer) Parents(_ context.Context, due []hookstore.Delivery) error {
	for i := range due {
		due[i].Traceparent = "of " + due[i].Message.String()
	}
	return nil
}

func (*tracer) Header(d *hookstore.Delivery) (parent, state string) {
	if d.Kind == int16(dispatch.Queued) {
		return "", ""
	}
	return fmt.Sprintf("%s, try %d", d.Traceparent, d.Attempts), fmt.Sprintf("a=%d", d.Attempts)
}

func (t *tracer) Called(_ int64, d *hookstore.Delivery, began time.Time, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, fmt.Sprintf("%s %d %d %v", d.Traceparent, d.Attempts, status, began.IsZero()))
}

// Each try carries its own place in the trace and is noted with its answer.
func TestDeliver_Traces(t *testing.T) {
	f := newFixture(t)
	r := receive(t, func(n int, _ got, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	f.endpoint(Standard, r.URL, "message.sent")
	id := f.send(1, nil)[0]
	f.evidence([]dispatch.ID{id}, dispatch.Sent)
	tr := &tracer{}
	d := f.deliverer(nil)
	d.Tracer = tr
	f.work(d)
	f.until("both tries are there", func() bool { return r.count() >= 2 })
	var headers []string
	for _, q := range r.requests() {
		headers = append(headers, q.Header.Get("Traceparent")+", "+q.Header.Get("Tracestate"))
	}
	if want := []string{"of " + id.String() + ", try 0, a=0", "of " + id.String() + ", try 1, a=1"}; !slices.Equal(headers, want) {
		t.Errorf("headers %q", headers)
	}
	f.until("both are noted", func() bool { tr.mu.Lock(); defer tr.mu.Unlock(); return len(tr.calls) == 2 })
	if want := []string{"of " + id.String() + " 0 500 false", "of " + id.String() + " 1 200 false"}; !slices.Equal(tr.calls, want) {
		t.Errorf("calls %q", tr.calls)
	}
}

// blindTracer can't read the trace contexts of messages.
type blindTracer struct{ tracer }

func (*blindTracer) Parents(context.Context, []hookstore.Delivery) error {
	return errors.New("no trace contexts")
}

// Traces that can't be read hold no webhook up.
func TestDeliver_TracesNotRead_IsSent(t *testing.T) {
	f := newFixture(t)
	r := receive(t, func(int, got, http.ResponseWriter) {})
	f.endpoint(Standard, r.URL, "message.sent")
	f.evidence(f.send(1, nil), dispatch.Sent)
	d := f.deliverer(nil)
	d.Tracer = &blindTracer{}
	f.work(d)
	f.until("the webhook is there", func() bool { return r.count() == 1 })
}
