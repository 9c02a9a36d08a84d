package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// collectRarely is GOGC unless the environment sets it: what lives long here is
// small, and with Go's default of 100 a fifth of the CPU goes into collecting it
// again and again (docs/performance.md).
const collectRarely = 400

// The bounds of GOMEMLIMIT unless the environment sets it, in bytes. Below the
// lower one the heap may grow as collectRarely allows. Above it the limit follows
// what lives, so that a process with much of it does not collect all the time. The
// upper one keeps serve below 200 MiB also when every client posts the largest
// bodies.
const (
	leastMemory = 68 << 20
	mostMemory  = 100 << 20
)

func collectLessOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectRarely)
	}
}

// BoundMemory bounds the memory of a process that only serves or only works,
// unless GOMEMLIMIT does.
func BoundMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(leastMemory)
	afterCollections(func() { debug.SetMemoryLimit(memoryLimit(liveBytes())) })
}

// memoryLimit returns the limit for a heap of which so many bytes live: half as
// much again and 16 MiB.
func memoryLimit(live int64) int64 { return min(max(live*3/2+(16<<20), leastMemory), mostMemory) }

// liveBytes returns what the last collection left in the heap.
func liveBytes() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}

// afterCollections calls do after each collection.
func afterCollections(do func()) {
	type tick struct{ _ [16]byte }
	var again func(*tick)
	again = func(t *tick) {
		do()
		runtime.SetFinalizer(t, again)
	}
	runtime.SetFinalizer(new(tick), again)
}
