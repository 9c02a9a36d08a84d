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
	for _, c := range []struct {
		b          MemoryBounds
		live, want int64
	}{
		{ServeMemory, 0, 74 << 20},
		{ServeMemory, 40 << 20, 74 << 20},
		{ServeMemory, 60 << 20, 91 << 20},
		{ServeMemory, 500 << 20, 100 << 20},
		{WorkMemory, 10 << 20, 84 << 20},
		{WorkMemory, 40 << 20, 96 << 20},
		{WorkMemory, 500 << 20, 112 << 20},
	} {
		if got := c.b.limit(c.live); got != c.want {
			t.Errorf("%d MiB live: limit %d MiB, want %d", c.live>>20, got>>20, c.want>>20)
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
