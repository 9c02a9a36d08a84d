package accept

import (
	"sync"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// keyLocks holds the idempotency keys whose first request is still running in
// this process. Between processes the database decides: a key is one row.
type keyLocks struct {
	mu   sync.Mutex
	held map[lockID]struct{}
}

type lockID struct {
	account int64
	key     string
	idx     int
}

func lockOf(m *dispatch.Message) lockID { return lockID{m.Account, m.IdemKey, m.IdemIndex} }

// lock reports whether m's key was free, and takes it.
func (l *keyLocks) lock(m *dispatch.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, busy := l.held[lockOf(m)]; busy {
		return false
	}
	if l.held == nil {
		l.held = map[lockID]struct{}{}
	}
	l.held[lockOf(m)] = struct{}{}
	return true
}

func (l *keyLocks) unlock(ms []*dispatch.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range ms {
		delete(l.held, lockOf(m))
	}
}
