package limit

import (
	"testing"
	"time"
)

func TestRetryBudget(t *testing.T) {
	t.Parallel()
	b, now := NewRetryBudget(), time.Unix(0, 0)
	b.now = func() time.Time { return now }
	take := func(ch int64, n, want int, wait time.Duration) {
		t.Helper()
		if got, w := b.Take(ch, n); got != want || w.Round(time.Millisecond) != wait {
			t.Errorf("Take(%d, %d) = %d, %v; want %d, %v", ch, n, got, w, want, wait)
		}
	}
	take(1, 40, 40, 0) // begins full
	take(1, 100, 60, time.Second)
	take(1, 1, 0, time.Second)
	take(2, 1, 1, 0) // channels apart
	b.Success(1, 9)
	take(1, 1, 0, 100*time.Millisecond)
	b.Success(1, 11)
	take(1, 5, 2, time.Second)
	now = now.Add(2500 * time.Millisecond) // one a second besides
	take(1, 5, 2, 500*time.Millisecond)
	b.Success(1, 1_000_000) // never above the cap
	take(1, 1000, 100, time.Second)
	now = now.Add(time.Hour)
	take(1, 1000, 100, time.Second)
}
