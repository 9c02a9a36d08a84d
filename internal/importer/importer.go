// Package importer runs imports: it reads the uploaded file of one after the
// other and hands its rows, in pages, to the store, where each page is committed
// with its counts. Any process goes on where another one was killed.
package importer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/audience"
)

const (
	pageRows   = 2000
	pageBytes  = 4 << 20 // about, of the rows of a page
	atOnce     = 2       // imports in one process
	lookEvery  = 250 * time.Millisecond
	renewEvery = 3 * time.Second
	sweepEvery = time.Hour
	pause      = time.Second     // after an error
	aside      = 5 * time.Second // in which others come first
	lastWord   = 2 * time.Second
)

// Store keeps imports.
type Store interface {
	Take(ctx context.Context, lease string) (i audience.Import, found bool, err error)
	Renew(ctx context.Context, id int64, lease string) error
	Release(ctx context.Context, id int64, lease string, after time.Duration) error
	End(ctx context.Context, id int64, lease, status, reason string) error
	Sweep(ctx context.Context) error
	writer
}

// writer writes what a file has.
type writer interface {
	Upload(ctx context.Context, id int64) io.Reader
	Describe(ctx context.Context, id int64, lease, format, encoding, delimiter string, columns []byte) error
	Apply(ctx context.Context, i *audience.Import, lease string, page []audience.Row) error
	Reject(ctx context.Context, i *audience.Import, lease string, bad []audience.Row) error
	TakeBack(ctx context.Context, i *audience.Import, lease string) (done bool, err error)
}

// Importer runs imports.
type Importer struct {
	store Store
	log   *slog.Logger
}

// New returns an Importer. Run does the work.
func New(store Store, log *slog.Logger) *Importer { return &Importer{store, log} }

// Run runs imports until ctx ends.
func (m *Importer) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() { m.work(ctx) })
	}
	wg.Go(func() {
		for m.wait(ctx, sweepEvery) {
			if err := m.store.Sweep(ctx); err != nil && ctx.Err() == nil {
				m.log.Warn("old imports not swept", "error", err)
			}
		}
	})
	wg.Wait()
}

// work runs one import after the other.
func (m *Importer) work(ctx context.Context) {
	for d := time.Duration(0); m.wait(ctx, d); {
		lease := lease()
		i, found, err := m.store.Take(ctx, lease)
		switch d = lookEvery; {
		case err != nil:
			d = pause
		case found:
			d = m.run(ctx, &i, lease)
		}
	}
}

// wait reports whether ctx is not done after d.
func (m *Importer) wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// run runs an import to its end, or until this process has lost it, and returns
// how long to wait before the next one.
func (m *Importer) run(ctx context.Context, i *audience.Import, lease string) time.Duration {
	held, lose := context.WithCancel(ctx)
	defer lose()
	go m.renew(held, lose, i.ID, lease)
	r := run{store: m.store, i: i, lease: lease}
	status, reason, err := r.do(held)
	if err == nil {
		err = m.store.End(held, i.ID, lease, status, reason)
	}
	log := m.log.With("import", i.ID, "kind", i.Kind)
	if err == nil {
		log.Info("import ended", "status", status, "lines", i.Lines)
		return 0
	}
	lost := errors.Is(err, audience.ErrLost) || ctx.Err() != nil
	after := aside
	if lost {
		after = 0
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	if e := m.store.Release(last, i.ID, lease, after); e != nil {
		err = errors.Join(err, e)
	}
	if lost {
		return 0
	}
	log.Warn("import interrupted; it goes on in a moment", "error", err)
	return pause
}

// renew prolongs the lease until ctx ends, and ends the run when it is lost.
func (m *Importer) renew(ctx context.Context, lose func(), id int64, lease string) {
	for m.wait(ctx, renewEvery) {
		if err := m.store.Renew(ctx, id, lease); errors.Is(err, audience.ErrLost) {
			lose()
		}
	}
}

// lease returns a new name of a lease.
func lease() string { return uuid.NewString() }

// refusal returns the message of an error that the client can mend, "" of any
// other.
func refusal(err error) string {
	if e, ok := errors.AsType[*dispatch.Error](err); ok && e.Code == dispatch.Invalid {
		return e.Msg
	}
	return ""
}
