package feeder

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/metrics"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// figures is the page of /metrics.
func figures(m *metrics.Metrics) string {
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	return page.Body.String()
}

// A callback that came before our own record of the send counts when it is
// applied, once.
func TestParked_FailureIsCountedWhenApplied(t *testing.T) {
	t.Parallel()
	f := workertest.Open(t)
	m := metrics.New()
	w := New(Options{Store: f.Store, Observer: m, Log: workertest.Quiet()})
	u := dispatch.StatusUpdate{Channel: f.Channel, ProviderID: "early", Status: dispatch.Failed, Code: dispatch.FailContent, At: time.Now()}
	workertest.Must(t, f.Park(t.Context(), u))
	ids, claim := f.Messages(t, 1, nil), uuid.New()
	_, err := f.ClaimPage(t.Context(), ids, claim, time.Minute)
	workertest.Must(t, err)
	_, err = f.Complete(
		t.Context(),
		[]store.Outcome{{
			ID: ids[0], Claim: claim, Channel: f.Channel, Action: store.Settle, Result: store.ResultAccepted, ProviderID: "early", KeepRef: true,
			StartedAt: time.Now(),
		}},
	)
	workertest.Must(t, err)
	line := fmt.Sprintf("sendoff_failed_total{channel=\"%d\",code=%q} 1\n", f.Channel, dispatch.FailContent)
	wait.For(t, 10*time.Second, func() error {
		workertest.Must(t, w.parked(t.Context()))
		if !strings.Contains(figures(m), line) {
			return fmt.Errorf("no line %s", line)
		}
		return nil
	})
}
