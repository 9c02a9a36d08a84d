package accept

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Once takes an Idempotency-Key for a request whose drafts stand or fall
// together, as Hold does, and gives the first answer, or nil for a new request.
// release may be called in any case.
func (s *Service) Once(ctx context.Context, who *Caller, key string, drafts []dispatch.Draft) (first []dispatch.Receipt, release func(), err error) {
	if len(drafts) == 0 || len(drafts) > maxTogether {
		return nil, func() {}, nil // never accepted, so no repeat
	}
	whole := fingerprint(drafts...) // one recipient more or less is another body
	for i := range drafts {
		drafts[i].IdemKey, drafts[i].IdemIndex, drafts[i].IdemFingerprint = key, i, whole
	}
	answers, release := s.Hold(ctx, who, drafts, 0)
	first = make([]dispatch.Receipt, 0, len(drafts))
	for _, r := range answers {
		switch {
		case r == nil:
			return nil, release, nil
		case r.Err != nil:
			return nil, release, r.Err
		}
		first = append(first, *r)
	}
	return first, release, nil
}

// Hold takes the drafts' idempotency keys for this request and looks them up,
// before anything is checked or counted: what was accepted is answered as the
// first time, whatever has changed since. An answer is nil for a draft that is
// new or has no key; else it is the first one's, or a refusal. Until release,
// which may be called in any case, a repeat in this process hears that the first
// is still running; between processes the insert decides. Lookups of many
// requests share a query. One that finds no room waits for it, at most wait.
func (s *Service) Hold(ctx context.Context, who *Caller, drafts []dispatch.Draft, wait time.Duration) (answers []*dispatch.Receipt, release func()) {
	answers = make([]*dispatch.Receipt, len(drafts))
	var ms []*dispatch.Message
	var at []int
	for i := range drafts {
		d := &drafts[i]
		if d.IdemKey == "" || d.Simulate { // nothing is kept of a simulation
			continue
		}
		if d.IdemFingerprint == "" {
			d.IdemFingerprint = fingerprint(*d)
		}
		if who.Key.Test {
			d.IdemKey = ofTestKeys + d.IdemKey
		}
		m := &dispatch.Message{Account: who.Account.ID, SendAt: d.SendAt, IdemKey: d.IdemKey, IdemIndex: d.IdemIndex, IdemFingerprint: d.IdemFingerprint}
		m.To, _ = dispatch.ParsePhone(d.To) // one that can't be parsed was never accepted
		if !s.inflight.lock(m) {
			answers[i] = &dispatch.Receipt{Err: &dispatch.Error{Code: dispatch.InProgress, Msg: "a request with the same Idempotency-Key is still running", RetryAfter: 1}}
			continue
		}
		ms, at = append(ms, m), append(at, i)
	}
	release = func() { s.inflight.unlock(ms) }
	if len(ms) == 0 {
		return answers, release
	}
	found, err := whenRoom(wait, func() ([]*dispatch.Receipt, error) { return s.repeats.DoAll(ctx, ms) })
	for k, i := range at {
		if err != nil {
			answers[i] = &dispatch.Receipt{Err: &dispatch.Error{Code: dispatch.Overloaded, Msg: "the service is not available at the moment; try again shortly", RetryAfter: 1, Err: err}}
			continue
		}
		answers[i] = found[k]
	}
	return answers, release
}

// ofTestKeys keeps what a test key asked for apart: an order rehearsed with one
// is no answer to the same order with a live key. A client's key has no space.
const ofTestKeys = "test "

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

func lockOf(m *dispatch.Message) lockID { return lockID{m.Account, m.IdemKey, m.IdemIndex} }

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
