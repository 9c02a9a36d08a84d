package engine

import "sync"

// maxCounts is how many keys a tally is sure to remember.
const maxCounts = 1_000_000

// tally counts by key in bounded memory: keys not seen during the last limit
// new ones are forgotten.
type tally struct {
	mu    sync.Mutex
	limit int
	young map[uint64]uint32
	old   map[uint64]uint32

	keys, most int // distinct keys, and the highest count, since the last clear
}

func newTally(limit int) *tally {
	return &tally{limit: limit, young: make(map[uint64]uint32)}
}

// add counts key and returns its count.
func (t *tally) add(key uint64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.young[key]
	if !ok {
		if n, ok = t.old[key]; !ok {
			t.keys++
		}
		if len(t.young) >= t.limit {
			t.old, t.young = t.young, make(map[uint64]uint32)
		}
	}
	n++
	t.young[key] = n
	t.most = max(t.most, int(n))
	return int(n)
}

// count returns the count of key.
func (t *tally) count(key uint64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.young[key]; ok {
		return int(n)
	}
	return int(t.old[key])
}

// summary returns how many keys there are, and the highest count.
func (t *tally) summary() (keys, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys, t.most
}

// clear forgets everything.
func (t *tally) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.young, t.old, t.keys, t.most = make(map[uint64]uint32), nil, 0, 0
}
