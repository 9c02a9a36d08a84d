package app

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

func TestMemoryLimit_FollowsWhatLives(t *testing.T) {
	t.Parallel()
	for live, want := range map[int64]int64{0: leastMemory, 10 << 20: leastMemory, 40 << 20: 76 << 20, 500 << 20: mostMemory} {
		if got := memoryLimit(live); got != want {
			t.Errorf("%d MiB live: limit %d MiB, want %d", live>>20, got>>20, want>>20)
		}
	}
}

func TestAfterCollections_CalledEachTime(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	afterCollections(func() { n.Add(1) })
	wait.For(t, 10*time.Second, func() error {
		runtime.GC()
		if n.Load() < 3 {
			return errors.New("not called yet")
		}
		return nil
	})
	if liveBytes() == 0 {
		t.Error("the metric of the live heap has gone")
	}
}
