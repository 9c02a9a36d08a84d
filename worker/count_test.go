package worker

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
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/worker/workertest"
)

// refuses is a provider that refuses every message.
type refuses struct{ provider.Provider }

func (refuses) Spec() *provider.Spec { return &provider.Spec{Name: "meta"} }

func (refuses) Send(context.Context, *dispatch.Channel, *dispatch.Message) (provider.Accepted, error) {
	return provider.Accepted{}, &provider.Error{Kind: provider.Permanent, Code: dispatch.FailContent}
}

// figures is the page of /metrics.
func figures(m *metrics.Metrics) string {
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	return page.Body.String()
}

// A last call that fails makes its message failed, unknown where an earlier one
// may have succeeded, or changes nothing any more: only the first is counted.
func TestCalls_OnlyWhatBecomesFailedIsCounted(t *testing.T) {
	t.Parallel()
	f := workertest.Open(t)
	m := metrics.New()
	w := New(Options{
		Store: f.Store, Registry: registry.New(
			f.Accounts, f.Store, nil, workertest.Quiet(),
		), Observer: m, Log: workertest.Quiet(), Providers: map[string]provider.Provider{"meta": refuses{}},
		Target: func(ch *dispatch.Channel, _ bool) *dispatch.Channel { return ch },
	})
	ids := f.Messages(t, 3, nil)
	first := uuid.New()
	_, err := f.ClaimPage(t.Context(), ids[1:2], first, time.Minute)
	workertest.Must(t, err)
	_, err = f.Complete(
		t.Context(), []store.Outcome{{ID: ids[1], Claim: first, Action: store.Resolve, Result: store.ResultUnknown, StartedAt: time.Now()}},
	)
	workertest.Must(t, err)
	workertest.Must(t, f.SettleDoubts(t.Context(), ids[1:2], []int{1}))

	ch, err := w.Registry.Channel(t.Context(), f.Channel)
	workertest.Must(t, err)
	flight := &flight{route: w.route(ch, dispatch.Normal), claim: uuid.New(), started: time.Now(), deadline: time.Now().Add(time.Minute)}
	claimed, err := f.ClaimPage(t.Context(), ids, flight.claim, time.Minute)
	workertest.Must(t, err)
	_, err = f.ApplyStatuses(
		t.Context(), []dispatch.StatusUpdate{{ID: ids[2], Channel: f.Channel, Status: dispatch.Delivered, At: time.Now()}},
	)
	workertest.Must(t, err)
	w.calls.Add(len(claimed))
	for i := range claimed {
		w.sendOne(flight, &claimed[i])
	}
	workertest.Must(t, w.Stop(t.Context()))

	page := figures(m)
	for _, want := range []string{
		fmt.Sprintf(`sendoff_dispatched_total{channel="%d",lane="normal",result="permanent"} 3`, ch.ID),
		fmt.Sprintf(`sendoff_failed_total{channel="%d",code=%q} 1`, ch.ID, dispatch.FailContent),
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}
