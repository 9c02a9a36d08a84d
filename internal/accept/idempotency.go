package accept

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// fingerprint is a digest of what a draft asks for: the same key with another
// one is refused.
func fingerprint(d *dispatch.Draft) string {
	c := *d
	c.IdemKey = ""
	b, err := json.Marshal(&c)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// keyLocks are the idempotency keys whose first request is still running in
// this process. Two processes meet in the database, where one key is one row.
type keyLocks struct {
	mu   sync.Mutex
	held map[lockID]struct{}
}

type lockID struct {
	account int64
	key     string
	idx     int
}

func (l *keyLocks) lock(account int64, key string, idx int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := lockID{account, key, idx}
	if _, busy := l.held[id]; busy {
		return false
	}
	if l.held == nil {
		l.held = map[lockID]struct{}{}
	}
	l.held[id] = struct{}{}
	return true
}

func (l *keyLocks) unlock(account int64, key string, idx int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, lockID{account, key, idx})
}
