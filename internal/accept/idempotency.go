package accept

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// repeatStore finds the answers of earlier requests, nil where there is none.
type repeatStore interface {
	Repeats(ctx context.Context, ms []*dispatch.Message) ([]*dispatch.Receipt, error)
}

// Once is Hold for a request that is accepted as a whole, under one
// Idempotency-Key. first is the answer of the first request with that key, or
// nil for a new one.
func (s *Service) Once(
	ctx context.Context, who *Caller, key string, drafts []dispatch.Draft,
) (held []dispatch.Draft, first []dispatch.Receipt, release func(), err error) {
	if len(drafts) == 0 || len(drafts) > maxTogether {
		return drafts, nil, func() {}, nil // never accepted, so no repeat
	}
	whole := fingerprint(drafts...) // one recipient more or less is another body
	named := slices.Clone(drafts)
	for i := range named {
		named[i].IdemKey, named[i].IdemIndex, named[i].IdemFingerprint = key, i, whole
	}
	held, answers, release := s.Hold(ctx, who, named, 0)
	first = make([]dispatch.Receipt, 0, len(held))
	for _, r := range answers {
		switch {
		case r == nil:
			return held, nil, release, nil
		case r.Err != nil:
			return held, nil, release, r.Err
		}
		first = append(first, *r)
	}
	return held, first, release, nil
}

// Hold reserves the idempotency keys of drafts and looks up what earlier
// requests with them were answered. It is called before anything is checked or
// counted: a repeat gets its first answer, whatever has changed since.
//
// held are the drafts to accept: drafts itself is not changed (without keys it
// is held). answers has, by
// index, nil for a draft that is new or has no key, else the first answer or a
// refusal. Until release is called, which may be done in any case, a repeat in
// this process is refused as still running; between processes the insert
// decides. While the queue of lookups is full Hold waits, at most wait.
func (s *Service) Hold(
	ctx context.Context, who *Caller, drafts []dispatch.Draft, wait time.Duration,
) (held []dispatch.Draft, answers []*dispatch.Receipt, release func()) {
	held, answers = drafts, make([]*dispatch.Receipt, len(drafts))
	if !anyKey(drafts) {
		return held, answers, func() {}
	}
	held = slices.Clone(drafts)
	var ms []*dispatch.Message
	var at []int
	for i := range held {
		d := &held[i]
		if !hasKey(d) {
			continue
		}
		d.IdemFingerprint = fingerprintOf(d)
		m := &dispatch.Message{
			Account: who.Account.ID, SendAt: d.SendAt,
			IdemKey: storedKey(who, d.IdemKey), IdemIndex: d.IdemIndex, IdemFingerprint: d.IdemFingerprint,
		}
		if m.To, _ = phone.ParseIn(d.To, who.Region()); m.To == "" { // one that can't be parsed was never accepted
			m.To = person.ID(d.To)
		}
		if !s.inflight.lock(m) {
			answers[i] = &dispatch.Receipt{Err: &dispatch.Error{
				Code: dispatch.InProgress, Msg: "a request with the same Idempotency-Key is still running", RetryAfter: 1,
			}}
			continue
		}
		ms, at = append(ms, m), append(at, i)
	}
	if len(ms) > 0 {
		s.lookUp(ctx, ms, at, answers, wait)
	}
	return held, answers, func() { s.inflight.unlock(ms) }
}

// hasKey reports whether the draft is stored under an idempotency key: a
// simulation, or one with faults, is not stored.
func hasKey(d *dispatch.Draft) bool { return d.IdemKey != "" && !d.Simulate && len(d.Faults) == 0 }

func anyKey(drafts []dispatch.Draft) bool {
	for i := range drafts {
		if hasKey(&drafts[i]) {
			return true
		}
	}
	return false
}

// lookUp sets the answers, at the indexes at, of earlier requests for ms.
// Lookups of several requests share a query.
func (s *Service) lookUp(ctx context.Context, ms []*dispatch.Message, at []int, answers []*dispatch.Receipt, wait time.Duration) {
	found, err := whenRoom(ctx, s, wait, func() ([]*dispatch.Receipt, error) { return s.repeats.DoAll(ctx, ms) })
	for k, i := range at {
		if err == nil {
			answers[i] = found[k]
			continue
		}
		answers[i] = &dispatch.Receipt{Err: unavailable(err)}
	}
}

// storedKey returns the form in which an idempotency key is stored. Those of
// test keys are kept apart: a live request is never answered with a rehearsal.
// A client's key contains no space.
func storedKey(who *Caller, key string) string {
	if who.Key.Test {
		return "test " + key
	}
	return key
}

// fingerprintOf returns the draft's fingerprint, computed unless it is set.
func fingerprintOf(d *dispatch.Draft) string {
	if d.IdemFingerprint != "" {
		return d.IdemFingerprint
	}
	return fingerprint(*d)
}

// fingerprint returns a digest of a request: the same key with
// another one is refused.
func fingerprint(ds ...dispatch.Draft) string {
	h := sha256.New()
	for _, d := range ds {
		d.IdemKey = ""
		_ = json.NewEncoder(h).Encode(&d) // what was read as JSON, or checked, can be written
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
