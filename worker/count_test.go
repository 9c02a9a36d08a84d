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
	"github.com/sendoff/sendoff/internal/wait"
)

// refuses is a provider that says no to every message.
type refuses struct{ provider.Provider }

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
	f := open(t)
	m := metrics.New()
	w := New(Options{
		Store: f.Store, Registry: registry.New(f.accounts, f.Store, nil, quiet()), Observer: m, Log: quiet(), Providers: map[string]provider.Provider{"meta": refuses{}},
		CallbackURL: func(*dispatch.Channel) string { return "" },
	})
	ids := f.messages(t, 3, nil)
	first := uuid.New()
	_, err := f.ClaimPage(t.Context(), ids[1:2], first, time.Minute)
	must(t, err)
	_, err = f.Complete(t.Context(), []store.Outcome{{ID: ids[1], Claim: first, Action: store.Resolve, Result: store.ResultUnknown, StartedAt: time.Now()}})
	must(t, err)
	must(t, f.SettleDoubts(t.Context(), ids[1:2], []int{1}))

	ch, err := w.Registry.Channel(t.Context(), f.channel)
	must(t, err)
	flight := &flight{ch: ch, to: ch, state: newState(), lane: dispatch.Normal, claim: uuid.New(), started: time.Now(), deadline: time.Now().Add(time.Minute)}
	claimed, err := f.ClaimPage(t.Context(), ids, flight.claim, time.Minute)
	must(t, err)
	_, err = f.ApplyStatuses(t.Context(), []dispatch.StatusUpdate{{ID: ids[2], Channel: f.channel, Status: dispatch.Delivered, At: time.Now()}})
	must(t, err)
	for i := range claimed {
		w.sendOne(flight, &claimed[i])
	}
	must(t, w.Stop(t.Context()))

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

// A callback that came before our own record of the send counts when it is
// applied, once.
func TestParked_FailureIsCountedWhenApplied(t *testing.T) {
	t.Parallel()
	f := open(t)
	m := metrics.New()
	w := New(Options{Store: f.Store, Observer: m, Log: quiet()})
	u := dispatch.StatusUpdate{Channel: f.channel, ProviderID: "early", Status: dispatch.Failed, Code: dispatch.FailContent, At: time.Now()}
	must(t, f.Park(t.Context(), u))
	ids, claim := f.messages(t, 1, nil), uuid.New()
	_, err := f.ClaimPage(t.Context(), ids, claim, time.Minute)
	must(t, err)
	_, err = f.Complete(t.Context(), []store.Outcome{{ID: ids[0], Claim: claim, Channel: f.channel, Action: store.Settle, Result: store.ResultAccepted, ProviderID: "early", KeepRef: true, StartedAt: time.Now()}})
	must(t, err)
	line := fmt.Sprintf("sendoff_failed_total{channel=\"%d\",code=%q} 1\n", f.channel, dispatch.FailContent)
	wait.For(t, 10*time.Second, func() error {
		must(t, w.parked(t.Context()))
		if !strings.Contains(figures(m), line) {
			return fmt.Errorf("no line %s", line)
		}
		return nil
	})
}
