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

// MemoryBounds say how GOMEMLIMIT follows what lives in the heap, unless the environment sets
// it, so that a process with much of it does not collect all the time.
type MemoryBounds struct {
	spare int64 // beyond what lives and 16 MiB, in percent of it
	least int64 // in bytes; below it the heap may grow as collectRarely allows
	most  int64
}

var (
	// ServeMemory keeps serve below 200 MiB also when every client posts the largest bodies.
	ServeMemory = MemoryBounds{spare: 25, least: 74 << 20, most: 100 << 20}
	// WorkMemory keeps work below 150 MiB with 4,000 calls open, whose stacks and connections
	// live; with half as much to spare they took three times the CPU.
	WorkMemory = MemoryBounds{spare: 100, least: 84 << 20, most: 112 << 20}
)

func collectLessOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectRarely)
	}
}

// BoundMemory bounds the memory of a process that only serves or only works,
// unless GOMEMLIMIT does.
func BoundMemory(b MemoryBounds) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(b.least)
	afterCollections(func() { debug.SetMemoryLimit(b.limit(liveBytes())) })
}

// limit returns the limit for a heap of which so many bytes live.
func (b MemoryBounds) limit(live int64) int64 {
	return min(max(live+live*b.spare/100+(16<<20), b.least), b.most)
}

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
