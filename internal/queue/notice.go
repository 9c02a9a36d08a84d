package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// noticeChannel returns where clients publish the name of a queue after each page that
// they offer in it.
func noticeChannel(id string) string { return Prefix(id) + "offers" }

// lookLatest is about how long an empty lane is not looked at while notices come: one may
// be lost with a connection, or its sender be of a version that sends none.
const lookLatest = 250 * time.Millisecond

// listener hears of the pages that are offered in the lanes of an installation.
type listener struct {
	done      <-chan struct{} // closed: fetching is over
	listening atomic.Bool     // notices come
	lanes     map[string]*lane
}

// lane is the client with which one asynq server fetches from its queue. asynq would ask
// an empty queue again and again; a lane waits for a notice first. So an idle worker asks
// four times a second, and a page that is offered to it is fetched at once.
type lane struct {
	redis.UniversalClient
	from    *listener
	queue   string
	every   time.Duration // between two looks while no notices come
	offered chan struct{} // holds one value after a notice
	empty   bool          // when it was looked at last; only asynq's one loop reads it
}

func newListener(rc redis.UniversalClient, id string, done <-chan struct{}) *listener {
	n := &listener{done: done, lanes: map[string]*lane{}}
	for _, l := range dispatch.Lanes {
		q := queueName(id, l)
		n.lanes[q] = &lane{UniversalClient: rc, from: n, queue: q, every: checkEvery[l], offered: make(chan struct{}, 1)}
	}
	return n
}

// pendingKey is the first key of the script by which asynq fetches, pausedKey the second.
func pendingKey(queue string) string { return "asynq:{" + queue + "}:pending" }
func pausedKey(queue string) string  { return "asynq:{" + queue + "}:paused" }

// EvalSha runs a script of asynq. One that fetches from an empty lane waits before, and
// returns redis.Nil once fetching is over.
func (l *lane) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if len(keys) < 2 || keys[0] != pendingKey(l.queue) || keys[1] != pausedKey(l.queue) {
		return l.UniversalClient.EvalSha(ctx, sha, keys, args...)
	}
	if l.empty && !l.wait() {
		return redis.NewCmdResult(nil, redis.Nil)
	}
	select { // what was offered before this is seen now
	case <-l.offered:
	default:
	}
	cmd := l.UniversalClient.EvalSha(ctx, sha, keys, args...)
	l.empty = errors.Is(cmd.Err(), redis.Nil)
	return cmd
}

// wait returns true when the lane is to be looked at, and false once fetching is over.
func (l *lane) wait() bool {
	d := l.every
	if l.from.listening.Load() {
		d = lookLatest
	}
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-l.offered:
	case <-t.C:
	case <-l.from.done:
		return false
	}
	return true
}

func (l *lane) notice() {
	select {
	case l.offered <- struct{}{}:
	default:
	}
}

// listen takes notices until fetching is over or the client is closed. A user of Redis who
// may not subscribe gets none.
func (n *listener) listen(sub *redis.PubSub) {
	defer func() { _ = sub.Close() }()
	notices := sub.ChannelWithSubscriptions()
	for {
		select {
		case <-n.done:
			return
		case notice, ok := <-notices:
			if !ok {
				n.listening.Store(false)
				return
			}
			n.take(notice)
		}
	}
}

// take passes a notice on. What came while there was no connection is looked for.
func (n *listener) take(notice any) {
	switch v := notice.(type) {
	case *redis.Subscription:
		n.listening.Store(true)
		for _, l := range n.lanes {
			l.notice()
		}
	case *redis.Message:
		if l := n.lanes[v.Payload]; l != nil {
			l.notice()
		}
	}
}
