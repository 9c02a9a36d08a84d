package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// ID returns the id of this installation, which distinguishes its queues from those
// of others on the same Redis. It comes from Postgres, so there may be an error
// until that answers.
type ID func(ctx context.Context) (string, error)

// Prefix returns how the keys of an installation in Redis begin, but for those of
// asynq.
func Prefix(id string) string { return "sendoff:" + id + ":" }

const (
	// queueNames is asynq's set of the names of queues.
	queueNames = "asynq:queues"
	// oldEpochKey is the epoch of versions without an id.
	oldEpochKey = "sendoff:epoch"
	oldKeysTime = 24 * time.Hour
)

// queueName returns the name of a lane's queue. Versions without an id named it by
// the lane alone.
func queueName(id string, lane dispatch.Lane) string { return id + ":" + lane.String() }

// Neighbours are the users of a Redis.
type Neighbours struct {
	Others  []string // ids of other installations, sorted; empty: of a version without ids
	Workers int      // live processes that work on the queues of this one
}

// FindNeighbours returns who uses Redis besides the installation with an id.
func FindNeighbours(ctx context.Context, rc redis.UniversalClient, id string) (Neighbours, error) {
	names, err := rc.SMembers(ctx, queueNames).Result()
	if err != nil {
		return Neighbours{}, fmt.Errorf("list queues: %w", err)
	}
	var n Neighbours
	for _, name := range names {
		if other, ok := owner(name); ok && other != id {
			n.Others = append(n.Others, other)
		}
	}
	slices.Sort(n.Others)
	n.Others = slices.Compact(n.Others)
	n.Workers, err = workers(rc, queueName(id, dispatch.OTP))
	return n, err
}

// owner returns the id in the name of an otp queue.
func owner(queue string) (id string, ok bool) {
	lane := dispatch.OTP.String()
	if queue == lane {
		return "", true
	}
	return strings.CutSuffix(queue, ":"+lane)
}

// workers returns how many live processes fetch from a queue.
func workers(rc redis.UniversalClient, queue string) (int, error) {
	servers, err := asynq.NewInspectorFromRedisClient(rc).Servers()
	if err != nil {
		return 0, fmt.Errorf("list servers: %w", err)
	}
	processes := map[string]bool{}
	for _, s := range servers {
		if _, ok := s.Queues[queue]; ok {
			processes[s.Host+":"+strconv.Itoa(s.PID)] = true
		}
	}
	return len(processes), nil
}
