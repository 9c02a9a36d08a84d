package accept

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// fingerprint is a digest of what a request asks for: the same key with another
// one is refused.
func fingerprint(ds ...dispatch.Draft) string {
	h := sha256.New()
	for _, d := range ds {
		d.IdemKey = ""
		_ = json.NewEncoder(h).Encode(&d) // what was read as JSON, or checked, can be written
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
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
