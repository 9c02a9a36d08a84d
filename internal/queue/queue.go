// Package queue is the doorbell: pages of message ids in Redis, carried by
// asynq, and a notice of each that wakes an idle worker. Losing all of it costs
// seconds, never a message.
package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// taskPage is the one kind of task: look at these ids now.
const taskPage = "page"

// A payload is a version byte, the lane, the channel and the ids in binary: at
// most 1,610 bytes, since asynq rewrites every active payload every 5 s.
const (
	version    = 1
	headBytes  = 1 + 1 + 8
	offerLimit = 300 * time.Millisecond
)

// Encode writes a page's payload.
func Encode(p dispatch.Page) []byte {
	b := make([]byte, headBytes, headBytes+16*len(p.IDs))
	b[0], b[1] = version, byte(p.Lane)
	binary.BigEndian.PutUint64(b[2:], uint64(p.Channel))
	for _, id := range p.IDs {
		b = append(b, id[:]...)
	}
	return b
}

// Decode returns the page that Encode wrote, or an error: another version, an
// unknown lane, a wrong length or more than dispatch.MaxPage ids.
func Decode(b []byte) (dispatch.Page, error) {
	if len(b) < headBytes || b[0] != version || int(b[1]) >= len(dispatch.Lanes) || (len(b)-headBytes)%16 != 0 ||
		(len(b)-headBytes)/16 > dispatch.MaxPage {
		return dispatch.Page{}, errors.New("not a page")
	}
	p := dispatch.Page{Lane: dispatch.Lane(b[1]), Channel: int64(binary.BigEndian.Uint64(b[2:]))}
	for rest := b[headBytes:]; len(rest) > 0; rest = rest[16:] {
		p.IDs = append(p.IDs, dispatch.ID(rest[:16]))
	}
	return p, nil
}

// Client offers pages.
type Client struct {
	asynq *asynq.Client
	redis redis.UniversalClient
	id    ID

	notices [dispatch.Bulk + 1]atomic.Bool // by lane: one is about to be published
}

// NewClient makes a client over rc, which the caller closes.
func NewClient(rc redis.UniversalClient, id ID) *Client {
	return &Client{asynq: asynq.NewClientFromRedisClient(rc), redis: rc, id: id}
}

// Offer enqueues a page, within 300 ms. After an error its messages are only late: the feeder offers them again.
// Every offer is a new task; a page offered twice is claimed once.
func (c *Client) Offer(ctx context.Context, p dispatch.Page) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), offerLimit)
	defer cancel()
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	_, err = c.asynq.EnqueueContext(ctx, asynq.NewTask(taskPage, Encode(p)),
		asynq.Queue(queueName(id, p.Lane)), asynq.MaxRetry(5), asynq.Timeout(time.Minute))
	if err != nil {
		return fmt.Errorf("offer page: %w", err)
	}
	c.notice(ctx, id, p.Lane)
	return nil
}

// notice publishes that a page was offered, beside its caller, who has the next one to
// offer. Without the notice the page waits for lookLatest.
func (c *Client) notice(ctx context.Context, id string, lane dispatch.Lane) {
	if c.notices[lane].Swap(true) {
		return // the one that is about to go out stands for this page too
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), offerLimit)
		defer cancel()
		c.notices[lane].Store(false)
		_ = c.redis.Publish(ctx, noticeChannel(id), queueName(id, lane)).Err()
	}()
}

// Pending counts the pages that wait in a lane.
func (c *Client) Pending(ctx context.Context, lane dispatch.Lane) (int64, error) {
	id, err := c.id(ctx)
	if err != nil {
		return 0, err
	}
	n, err := c.redis.LLen(ctx, pendingKey(queueName(id, lane))).Result()
	if err != nil {
		return 0, fmt.Errorf("count pending pages: %w", err)
	}
	return n, nil
}

// Register names the lanes in asynq's set of queues again: after a wipe of
// Redis a running client does not, and tools find nothing (asynq issue 1051).
func (c *Client) Register(ctx context.Context) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	names := make([]any, len(dispatch.Lanes))
	for i, l := range dispatch.Lanes {
		names[i] = queueName(id, l)
	}
	return c.redis.SAdd(ctx, queueNames, names...).Err()
}

// epochKey returns the key that exists as long as Redis remembers an installation.
func epochKey(id string) string { return Prefix(id) + "epoch" }

// Wiped returns true once after Redis was emptied, to the first caller of any
// process. After Undo the next call returns true again, for a caller that could
// not act on it.
func (c *Client) Wiped(ctx context.Context) (bool, error) {
	id, err := c.id(ctx)
	if err != nil {
		return false, err
	}
	n, err := c.redis.Exists(ctx, epochKey(id)).Result()
	if err != nil || n > 0 {
		return false, err
	}
	return c.redis.SetNX(ctx, epochKey(id), time.Now().Format(time.RFC3339Nano), 0).Result()
}

// Undo deletes the epoch key, so that the next Wiped returns true.
func (c *Client) Undo(ctx context.Context) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	return c.redis.Del(ctx, epochKey(id)).Err()
}

// Prune empties asynq's archive, which is not our dead letter and breaks when
// thousands of old entries gather in it (asynq's archive script unpacks them).
func (c *Client) Prune(ctx context.Context) error {
	id, err := c.id(ctx)
	if err != nil {
		return err
	}
	in := asynq.NewInspectorFromRedisClient(c.redis)
	for _, l := range dispatch.Lanes {
		if _, err := in.DeleteAllArchivedTasks(queueName(id, l)); err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
			return fmt.Errorf("clear archive: %w", err)
		}
	}
	return nil
}
