package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/store/installation"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const (
	loadTime = 2 * time.Second
	// loadAgain is how long a failure to load the installation is remembered: nobody
	// waits for a dead Postgres twice.
	loadAgain = 500 * time.Millisecond
)

// installed is this installation. It is loaded when it is first asked for: a
// process also starts without Postgres.
type installed struct {
	load func(context.Context) (installation.Installation, error)
	v    atomic.Pointer[installation.Installation]

	mu     sync.Mutex
	failed time.Time
	err    error
}

func newInstalled(db *pg.DB) *installed { return &installed{load: installation.New(db).Load} }

func (i *installed) get(ctx context.Context) (*installation.Installation, error) {
	if v := i.v.Load(); v != nil {
		return v, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if v := i.v.Load(); v != nil {
		return v, nil
	}
	if i.err != nil && time.Since(i.failed) < loadAgain {
		return nil, i.err
	}
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	v, err := i.load(ctx)
	if err != nil {
		i.failed, i.err = time.Now(), err
		return nil, err
	}
	i.v.Store(&v)
	return &v, nil
}

// id implements queue.ID.
func (i *installed) id(ctx context.Context) (string, error) {
	v, err := i.get(ctx)
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

// prefix implements limit.Prefix.
func (i *installed) prefix(ctx context.Context) (string, error) {
	id, err := i.id(ctx)
	if err != nil {
		return "", err
	}
	return queue.Prefix(id), nil
}

// queues returns what a queue.Server wants to know.
func (i *installed) queues(ctx context.Context) (id string, drain time.Duration, err error) {
	v, err := i.get(ctx)
	if err != nil {
		return "", 0, err
	}
	return v.ID, v.Drain, nil
}
