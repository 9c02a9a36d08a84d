package limit

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

const (
	dayFlush   = time.Second
	dayTimeout = time.Second
)

// dayCounts is what this process has spent and not yet written to the
// DayStore, and what it has spent while Redis was away. Days are numbered from
// 1970.
type dayCounts struct {
	store DayStore

	mu      sync.Mutex
	unsaved map[int64]map[int64]int64 // by day and key; includes what is being written
	alone   map[int64]map[int64]int64 // by day and key: what Redis doesn't know of
}

func newDayCounts(store DayStore) *dayCounts {
	return &dayCounts{store: store, unsaved: map[int64]map[int64]int64{}, alone: map[int64]map[int64]int64{}}
}

// add counts n allowed sends.
func (d *dayCounts) add(key, day, n int64) { d.addTo(d.unsaved, key, day, n) }

// addAlone counts n sends that Redis has not counted.
func (d *dayCounts) addAlone(key, day, n int64) { d.addTo(d.alone, key, day, n) }

func (d *dayCounts) addTo(counts map[int64]map[int64]int64, key, day, n int64) {
	if n == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if counts[day] == nil {
		counts[day] = map[int64]int64{}
	}
	counts[day][key] += n
}

// takeAlone returns, once, what is to be added to Redis' count.
func (d *dayCounts) takeAlone(key, day int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.alone[day][key]
	delete(d.alone[day], key)
	return n
}

// load returns the count of a key's day, or seedWithout if the store cannot be
// read: then the day's limit waits, for accepted messages need the store too.
// What is being written at this moment may count twice, but never not at all.
func (d *dayCounts) load(ctx context.Context, key, day int64) int64 {
	d.mu.Lock()
	n := d.unsaved[day][key]
	d.mu.Unlock()
	if d.store == nil {
		return n
	}
	ctx, cancel := context.WithTimeout(ctx, dayTimeout)
	defer cancel()
	saved, err := d.store.LoadDay(ctx, key, dayName(day))
	if err != nil {
		return seedWithout
	}
	return saved + n
}

// run writes unsaved counts about every second, and a last time when ctx ends.
func (d *dayCounts) run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(dayFlush)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			done = true
		}
		if err := d.flush(context.WithoutCancel(ctx)); err != nil && failed != nil {
			failed(err)
		}
	}
}

// flush writes each day's counts in one call. A failed write is repeated with the
// next one: if it was written all the same, the key has less left that day, never
// more.
func (d *dayCounts) flush(ctx context.Context) error {
	d.mu.Lock()
	days := make(map[int64]map[int64]int64, len(d.unsaved))
	latest := int64(0)
	for day, counts := range d.unsaved {
		days[day], latest = maps.Clone(counts), max(latest, day)
	}
	maps.DeleteFunc(d.alone, func(day int64, _ map[int64]int64) bool { return day < latest })
	d.mu.Unlock()
	for day, counts := range days {
		if err := d.write(ctx, day, counts); err != nil {
			return fmt.Errorf("save day's counts: %w", err)
		}
	}
	return nil
}

func (d *dayCounts) write(ctx context.Context, day int64, counts map[int64]int64) error {
	if d.store != nil {
		ctx, cancel := context.WithTimeout(ctx, dayTimeout)
		defer cancel()
		if err := d.store.AddDay(ctx, dayName(day), counts); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, n := range counts {
		if d.unsaved[day][key] -= n; d.unsaved[day][key] == 0 {
			delete(d.unsaved[day], key)
		}
	}
	if len(d.unsaved[day]) == 0 {
		delete(d.unsaved, day)
	}
	return nil
}

// dayName returns the date of a day's number.
func dayName(day int64) string { return time.Unix(day*86_400, 0).UTC().Format(time.DateOnly) }
