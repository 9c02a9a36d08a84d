package session

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	store "github.com/sendoff/sendoff/internal/store/session"
)

const (
	// shared is how long a read of the sessions of open streams counts: with the time
	// between two checks of a stream less than a second.
	shared = 700 * time.Millisecond
	// slowest is how long such a read may take.
	slowest = 2 * time.Second
)

// watch holds the sessions of open streams, which are read together: twenty open
// dashboards cost one read, not twenty. turn guards it.
type watch struct {
	turn     chan struct{}
	sessions map[string]*watched // by the hash of the token
}

// watched is a session as it was read; user is nil if it has ended.
type watched struct {
	user        *store.User
	read, asked time.Time
}

// Recheck is Find for a session whose stream is open: what it returns is at most as old
// as shared.
func (s *Service) Recheck(ctx context.Context, token string) (store.User, error) {
	select {
	case s.watch.turn <- struct{}{}:
	case <-ctx.Done():
		return store.User{}, ctx.Err()
	}
	defer func() { <-s.watch.turn }()
	hash, now := string(hashOf(token)), time.Now()
	w := s.watch.sessions[hash]
	if w == nil {
		w = &watched{}
		s.watch.sessions[hash] = w
	}
	if w.asked = now; now.Sub(w.read) > shared {
		if err := s.readWatched(ctx, now); err != nil {
			return store.User{}, err
		}
	}
	if w.user == nil {
		delete(s.watch.sessions, hash)
		return store.User{}, errEnded
	}
	if now.Sub(w.user.UsedAt) > touch {
		w.user.UsedAt = now
		return *w.user, s.store.Touch(ctx, []byte(hash))
	}
	return *w.user, nil
}

// readWatched reads the sessions of the streams that were checked of late, and forgets
// the others.
func (s *Service) readWatched(ctx context.Context, now time.Time) error {
	var tokens [][]byte
	for hash, w := range s.watch.sessions {
		if now.Sub(w.asked) > 10*shared {
			delete(s.watch.sessions, hash)
			continue
		}
		tokens = append(tokens, []byte(hash))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slowest) // others wait for it too
	defer cancel()
	users, err := s.store.FindAll(ctx, tokens, Idle)
	if err != nil {
		return err
	}
	for hash, w := range s.watch.sessions {
		w.user, w.read = nil, now
		if u, ok := users[hash]; ok {
			w.user = &u
		}
	}
	return nil
}

// errEnded is the refusal of a session that has ended.
var errEnded = &dispatch.Error{Code: dispatch.Unauthorized, Reason: "session", Msg: "the session has ended; sign in again"}
