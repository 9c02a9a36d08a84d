package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/queue"
)

// redisClient returns a client of the stage's Redis, which the caller closes.
func (s *stage) redisClient() (*redis.Client, error) {
	o, err := redis.ParseURL(s.stack.RedisURL())
	if err != nil {
		return nil, fmt.Errorf("read redis url: %w", err)
	}
	return redis.NewClient(o), nil
}

// measureIdle counts the commands of a front door and a worker without messages, those
// within scripts too: who runs Redis as a service pays for them.
func measureIdle(ctx context.Context, s *stage) error {
	rc, err := s.redisClient()
	if err != nil {
		return err
	}
	defer func() { _ = rc.Close() }()
	before, err := commands(ctx, rc)
	if err != nil {
		return err
	}
	d := s.seconds(3, 10)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
	}
	after, err := commands(ctx, rc)
	if err != nil {
		return err
	}
	rate := float64(after-before) / d.Seconds()
	s.add(Figure{
		Name: "idle", How: "a front door and a worker, no messages", Value: rate, Unit: "Redis commands/s", Must: "100", Reach: rate <= 100,
	})
	return nil
}

// commands returns how many commands a Redis has run.
func commands(ctx context.Context, rc *redis.Client) (int64, error) {
	m, err := queue.Mode(ctx, rc)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(m["total_commands_processed"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read redis' count of commands: %w", err)
	}
	return n, nil
}
