package stats

import (
	"testing"
	"time"

	store "github.com/sendoff/sendoff/internal/store/stats"
)

func TestEdges_EndWithTheBucketOfNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 10, 17, 30, 0, time.UTC)
	for span, want := range map[string]struct {
		n         int
		last, end time.Time
	}{
		"hour":  {61, now.Truncate(time.Minute), now.Truncate(time.Minute).Add(time.Minute)},
		"day":   {49, now.Truncate(30 * time.Minute), now.Truncate(30 * time.Minute).Add(30 * time.Minute)},
		"month": {31, now.Truncate(24 * time.Hour), now.Truncate(24 * time.Hour).Add(24 * time.Hour)},
	} {
		edges := edgesOf(span, now)
		if len(edges) != want.n || !edges[want.n-2].Equal(want.last) || !edges[want.n-1].Equal(want.end) {
			t.Errorf("%s: %d edges, the last %v and %v", span, len(edges), edges[len(edges)-2], edges[len(edges)-1])
		}
	}
}

func TestPoints_RateAndFailures(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	edges := []time.Time{began, began.Add(time.Minute), began.Add(2 * time.Minute)}
	got := points(edges, []store.Bucket{{}, {Messages: 30, Failed: 3}})
	if len(got) != 2 || got[0].PerSecond != 0 || got[0].Failed != 0 || got[1].PerSecond != 0.5 ||
		got[1].Failed != 0.1 || got[1].Seconds != 60 {
		t.Errorf("%+v", got)
	}
}
