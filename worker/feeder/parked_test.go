package feeder

import (
	"context"
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

type ignored []dispatch.IgnoredCallback

func (i *ignored) KeepIgnored(_ context.Context, _ int64, c dispatch.IgnoredCallback) error {
	*i = append(*i, c)
	return nil
}

type channels struct{ Registry }

func (channels) Channel(_ context.Context, id int64) (*dispatch.Channel, error) {
	return &dispatch.Channel{ID: id, Provider: "twilio"}, nil
}

// What has found no message in a day is dropped, counted and kept to be looked at.
func TestParked_NoMessageInADay_IsCounted(t *testing.T) {
	t.Parallel()
	f := workertest.Open(t)
	m, kept := metrics.New(), ignored{}
	w := New(Options{Store: f.Store, Observer: m, Registry: channels{}, Ignored: &kept, Log: workertest.Quiet()})
	for _, id := range []string{"old", "new"} {
		workertest.Must(t, f.Park(t.Context(), dispatch.StatusUpdate{
			Channel: f.Channel, ProviderID: id, Recipient: "+15550000100", Status: dispatch.Delivered, At: time.Now(),
		}))
	}
	db := f.Connect(t)
	_, err := db.ExecContext(t.Context(), `UPDATE parked_callbacks SET created_at = now() - interval '25 hours' WHERE ref = 'old'`)
	workertest.Must(t, err)
	for range 2 {
		workertest.Must(t, w.parked(t.Context()))
	}
	if !strings.Contains(figures(m), `sendoff_callbacks_total{kind="status",provider="twilio",result="late"} 1`) {
		t.Error("it is not counted once")
	}
	if len(kept) != 1 || kept[0].Channel != f.Channel || !strings.Contains(kept[0].Body, `"delivered"`) ||
		strings.Contains(kept[0].Body, "15550000100") {
		t.Errorf("kept %+v", kept)
	}
	var refs string
	workertest.Must(t, db.GetContext(t.Context(), &refs, `SELECT string_agg(ref, ' ') FROM parked_callbacks`))
	if refs != "new" {
		t.Errorf("parked: %s", refs)
	}
}
