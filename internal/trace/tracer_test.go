package trace

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// hanging is a collector that takes nothing until it is told.
type hanging struct{ free chan struct{} }

func (h hanging) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	select {
	case <-h.free:
	case <-ctx.Done():
	}
	return errors.New("no collector")
}

func (hanging) Shutdown(context.Context) error { return nil }

// What a dead collector costs is a full queue: nobody waits for it.
func TestEmit_DeadCollector_WaitsForNobody(t *testing.T) {
	t.Parallel()
	h := hanging{make(chan struct{})}
	defer close(h.free)
	tr := newTracer(t, &rows{}, "1", h)
	id := dispatch.NewID()
	d := hookstore.Delivery{Place: hookstore.Place{ID: uuid.New()}, Message: id, Kind: int16(dispatch.Failed)}
	began := time.Now()
	for range 3 * queued {
		tr.Called(1, &d, began, 200)
	}
	for range 2 * mostPages {
		m := dispatch.Message{ID: id}
		tr.Begin(t.Context(), &m)
		tr.Stored(began, []store.NewMessage{{Message: &m}})
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if n := len(tr.pages.all); n != mostPages {
		t.Errorf("%d pages are kept", n)
	}
}

func TestComplaint_OneLineAMinute(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := complaint{log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 100 {
		c.Handle(errors.New("connection refused"))
	}
	if n := strings.Count(log.String(), "traces not sent"); n != 1 {
		t.Errorf("%d lines", n)
	}
	c.last = time.Now().Add(-complainEvery)
	c.Handle(errors.New("connection refused"))
	if n := strings.Count(log.String(), "traces not sent"); n != 2 {
		t.Errorf("%d lines after a minute", n)
	}
}
