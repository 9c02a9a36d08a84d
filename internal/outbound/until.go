package outbound

import (
	"context"
	"sync"
	"time"
)

// Until returns a context that ends with parent or at a deadline, as that of
// context.WithDeadline does, and what ends it before. It is neither in a list of parent's
// nor has a timer until somebody waits for its end: a call on a connection that is kept
// does not (see conn.watch), which saves a sixteenth of what such a call costs.
func Until(parent context.Context, deadline time.Time) (ctx context.Context, end context.CancelFunc) {
	u := &until{parent: parent, deadline: deadline}
	return u, u.end
}

type until struct {
	parent   context.Context
	deadline time.Time

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
	over   bool  // end was called
	err    error // what Err returned
}

// Deadline implements context.Context.
func (u *until) Deadline() (time.Time, bool) {
	if d, ok := u.parent.Deadline(); ok && d.Before(u.deadline) {
		return d, true
	}
	return u.deadline, true
}

// Done implements context.Context.
func (u *until) Done() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timed == nil {
		u.timed, u.cancel = context.WithDeadline(u.parent, u.deadline)
		if u.over {
			u.cancel()
		}
	}
	return u.timed.Done()
}

// Err implements context.Context.
func (u *until) Err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return u.err
	}
	u.err = u.parent.Err()
	switch {
	case u.timed != nil:
		u.err = u.timed.Err()
	case u.err != nil:
	case u.over:
		u.err = context.Canceled
	case !time.Now().Before(u.deadline):
		u.err = context.DeadlineExceeded
	}
	return u.err
}

// Value implements context.Context.
func (u *until) Value(key any) any {
	u.mu.Lock()
	timed := u.timed
	u.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return u.parent.Value(key)
}

func (u *until) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if u.cancel != nil {
		u.cancel()
	}
}
