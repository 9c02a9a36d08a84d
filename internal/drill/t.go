package drill

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// T is what a drill reports to: a test, or a Trial.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Failed() bool
	FailNow()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Trial is the T of a drill that no test runs.
type Trial struct {
	ctx context.Context
	log func(line string)

	mu       sync.Mutex
	faults   []string
	cleanups []func()
}

// try runs f as a test would be run, also its cleanups, and returns what went wrong.
func try(ctx context.Context, log func(line string), f func(t T)) (faults []string) {
	t := &Trial{ctx: ctx, log: log}
	var wg sync.WaitGroup
	wg.Go(func() { // FailNow ends the goroutine
		defer t.clean()
		f(t)
	})
	wg.Wait()
	return t.faults
}

// clean runs the cleanups, the last one first.
func (t *Trial) clean() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// Helper does nothing: a trial shows no line numbers.
func (t *Trial) Helper() {}

// Context returns the context of the trial.
func (t *Trial) Context() context.Context { return t.ctx }

// Cleanup has f called at the end.
func (t *Trial) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Failed reports whether something went wrong.
func (t *Trial) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.faults) > 0
}

// FailNow ends the trial.
func (t *Trial) FailNow() { runtime.Goexit() }

// Logf writes a line.
func (t *Trial) Logf(format string, args ...any) { t.log(fmt.Sprintf(format, args...)) }

// Errorf notes that something went wrong.
func (t *Trial) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// Fatalf notes that something went wrong, and ends the trial.
func (t *Trial) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	t.FailNow()
}
