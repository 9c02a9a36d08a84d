package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// nothing answers that a queue is empty, and counts how often it is asked.
type nothing struct{ asked atomic.Int64 }

func (n *nothing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *nothing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (n *nothing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		n.asked.Add(1)
		cmd.SetErr(redis.Nil)
		return redis.Nil
	}
}

// An empty lane is asked four times a second while notices come, at once after a notice,
// every 10 ms while none come, and no more once fetching is over. Other scripts run at once.
func TestLane_WaitsForNotices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rc, redisSide := redis.NewClient(&redis.Options{}), &nothing{}
		rc.AddHook(redisSide)
		done := make(chan struct{})
		n := newListener(rc, "one", done)
		queue := queueName("one", dispatch.OTP)
		l := n.lanes[queue]
		fetch := func() { l.EvalSha(t.Context(), "x", []string{pendingKey(queue), pausedKey(queue)}) }
		within := func(d time.Duration) int64 {
			began, before := time.Now(), redisSide.asked.Load()
			for time.Since(began) < d {
				fetch()
			}
			return redisSide.asked.Load() - before
		}
		if asked := within(10 * time.Second); asked < 700 || asked > 1500 {
			t.Errorf("without notices: asked %d times in 10 s", asked)
		}
		n.take(&redis.Subscription{})
		if asked := within(10 * time.Second); asked < 30 || asked > 60 {
			t.Errorf("with notices: asked %d times in 10 s", asked)
		}
		n.take(&redis.Message{Payload: queueName("one", dispatch.Bulk)}) // another lane's
		began := time.Now()
		if fetch(); time.Since(began) == 0 {
			t.Error("a notice of another lane ends the wait")
		}
		n.take(&redis.Message{Payload: queue})
		began = time.Now()
		if fetch(); time.Since(began) != 0 {
			t.Errorf("a page that was offered waits for %v", time.Since(began))
		}
		if l.EvalSha(t.Context(), "x", []string{"asynq:{one:otp}:active", "asynq:{one:otp}:lease"}); time.Since(began) != 0 {
			t.Errorf("another script waits for %v", time.Since(began))
		}
		close(done)
		before := redisSide.asked.Load()
		if fetch(); time.Since(began) != 0 || redisSide.asked.Load() != before {
			t.Errorf("at the end: asked %d times, after %v", redisSide.asked.Load()-before, time.Since(began))
		}
	})
}

func TestOffer_SendsANotice(t *testing.T) {
	t.Parallel()
	rc, err := Open(storetest.Redis(t), 4)
	storetest.Must(t, err)
	defer func() { _ = rc.Close() }()
	sub := rc.Subscribe(t.Context(), noticeChannel("notices"))
	defer func() { _ = sub.Close() }()
	_, err = sub.Receive(t.Context()) // the subscription itself
	storetest.Must(t, err)
	page := dispatch.Page{Lane: dispatch.Normal, IDs: []dispatch.ID{dispatch.NewID()}}
	storetest.Must(t, NewClient(rc, named("notices")).Offer(t.Context(), page))
	n, err := sub.ReceiveMessage(t.Context())
	if err != nil || n.Payload != queueName("notices", dispatch.Normal) {
		t.Errorf("%+v, %v", n, err)
	}
}

// A user of Redis who may use no channels gets pages all the same.
func TestServer_NoChannels_PagesFlow(t *testing.T) {
	t.Parallel()
	port := server(t, []string{"port PORT", "user default on nopass ~* resetchannels +@all"})
	c, got, _ := collect(t, "redis://127.0.0.1:"+port, "one", 0)
	for i := range 3 {
		storetest.Must(t, c.Offer(t.Context(), dispatch.Page{Lane: dispatch.Normal, IDs: []dispatch.ID{dispatch.NewID()}}))
		wait.Until(t, "the page has come", func() bool { return len(got()) == i+1 })
	}
}

// Once its client is closed a listener ends, and its lanes look by themselves.
func TestListener_ClientClosed_Ends(t *testing.T) {
	t.Parallel()
	rc, err := Open(storetest.Redis(t), 4)
	storetest.Must(t, err)
	n := newListener(rc, "one", make(chan struct{}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.listen(rc.Subscribe(t.Context(), noticeChannel("one")))
	}()
	wait.Until(t, "notices come", n.listening.Load)
	storetest.Must(t, rc.Close())
	<-ended
	if n.listening.Load() {
		t.Error("the lanes wait for notices of nobody")
	}
}
