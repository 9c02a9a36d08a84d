package feeder

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// deaf is a queue that fails after it has reported a wipe.
type deaf struct{ *queue.Client }

func (deaf) Undo(context.Context) error { return errors.New("redis is away") }

func newQueue(t *testing.T) *queue.Client {
	t.Helper()
	rc, err := queue.Open(storetest.Redis(t), 4)
	workertest.Must(t, err)
	t.Cleanup(func() { _ = rc.Close() })
	return queue.NewClient(rc, func(context.Context) (string, error) { return "test", nil })
}

// A wipe is reported once. When what was offered can't be woken then, Postgres
// being away, the next check reports it again.
func TestWipe_PostgresAway_IsNoticedAgain(t *testing.T) {
	t.Parallel()
	for name, makes := range map[string]func(*queue.Client) (first, next Queue){
		"by another worker":             func(c *queue.Client) (first, next Queue) { return c, c },
		"by itself, Redis away as well": func(c *queue.Client) (first, next Queue) { return deaf{c}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := workertest.Open(t)
			f.Messages(t, 3, nil)
			if n := f.Due(t); n != 3 {
				t.Fatalf("offered %d of 3 messages", n)
			}
			first, next := makes(newQueue(t))
			away := f.Connect(t)
			away.Close()
			w := New(Options{Store: store.New(away), Queue: first, Log: workertest.Quiet()})
			look := w.wipe()
			if err := look(t.Context()); err == nil {
				t.Error("a wipe was made good without Postgres")
			}
			w.Store = f.Store
			if next != nil {
				look = New(Options{Store: f.Store, Queue: next, Log: workertest.Quiet()}).wipe()
			}
			workertest.Must(t, look(t.Context()))
			woken := 0
			wait.For(t, 10*time.Second, func() error {
				if woken += f.Due(t); woken != 3 {
					return fmt.Errorf("%d of 3 messages woken", woken)
				}
				return nil
			})
			workertest.Must(t, look(t.Context()))
			still, err := f.WakeOffered(t.Context())
			workertest.Must(t, err)
			if still != 3 {
				t.Errorf("%d of 3 messages still offered: some were woken without a wipe", still)
			}
		})
	}
}
