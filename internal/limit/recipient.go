package limit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed recipient.lua
var recipientLua string

var recipientScript = redis.NewScript(recipientLua)

// localRecipients is how many recipients of a channel are remembered before
// those whose time has passed are forgotten.
const localRecipients = 4096

// Space books a send to each recipient that may get one now, spacing apart from
// the next, and returns the time that each has to wait; 0: start now. One that
// has to wait is not booked and is asked for again. If a recipient is in the page
// twice, the second send waits for the first.
func (c *Channels) Space(ctx context.Context, ch int64, tos []string, spacing time.Duration) ([]time.Duration, error) {
	return c.recipients(ctx, ch, tos, spacing, 0)
}

// Blocked returns for each recipient how long nothing may be sent to it; 0: it is
// not blocked. It books nothing.
func (c *Channels) Blocked(ctx context.Context, ch int64, tos []string) ([]time.Duration, error) {
	return c.recipients(ctx, ch, tos, 0, 0)
}

// BlockRecipient stops sends to a recipient on this channel for d, after an error
// that is about sender and recipient, such as Meta's 131056. It never shortens a
// block.
func (c *Channels) BlockRecipient(ctx context.Context, ch int64, to string, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	_, err := c.recipients(ctx, ch, []string{to}, 0, min(d, longestBlock))
	return err
}

func (c *Channels) recipients(ctx context.Context, ch int64, tos []string, spacing, block time.Duration) ([]time.Duration, error) {
	if len(tos) == 0 {
		return nil, nil
	}
	prefix := "{ch:" + strconv.FormatInt(ch, 10) + "}:to:"
	keys := make([]string, len(tos))
	for i, to := range tos {
		keys[i] = prefix + to
	}
	got, err := c.run(ctx, recipientScript, keys, c.clock(), spacing.Microseconds(), block.Microseconds())
	switch {
	case errors.Is(err, errAway):
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.channel(ch).space(c.micros(), tos, float64(spacing.Microseconds()), float64(block.Microseconds())), nil
	case err != nil:
		return nil, fmt.Errorf("space recipients: %w", err)
	case len(got) != len(tos):
		return nil, fmt.Errorf("space recipients: redis gave %d values for %d", len(got), len(tos))
	}
	waits := make([]time.Duration, len(tos))
	for i, us := range got {
		waits[i] = micro(us)
	}
	return waits, nil
}

// space is recipient.lua in Go.
func (l *localChannel) space(now float64, tos []string, spacing, block float64) []time.Duration {
	if len(l.until) > localRecipients {
		maps.DeleteFunc(l.until, func(_ string, till float64) bool { return till <= now })
	}
	waits := make([]time.Duration, len(tos))
	turn := make(map[string]float64, len(tos))
	for i, to := range tos {
		if block > 0 {
			l.until[to] = max(l.until[to], now+block)
		}
		free, ok := turn[to]
		if !ok {
			free = max(now, l.until[to])
		}
		waits[i] = micro(int64(math.Ceil(free - now)))
		if spacing > 0 {
			if free == now {
				l.until[to] = now + spacing
			}
			turn[to] = free + spacing
		}
	}
	return waits
}
