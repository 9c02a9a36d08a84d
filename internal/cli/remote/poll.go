package remote

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// busyWait is how long a command waits when the key's limit is used up.
const busyWait = 2 * time.Second

// poll is ask for commands that call the API until something has ended: when the
// key's limit is used up, which others may share, it waits and repeats the call.
func (c *client) poll(ctx context.Context, out any, do call) error {
	for {
		_, err := c.ask(ctx, out, do)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusTooManyRequests {
			return err
		}
		if !pause(ctx, busyWait) {
			return ctx.Err()
		}
	}
}

// pause waits, and returns false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
