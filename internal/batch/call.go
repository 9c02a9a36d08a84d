package batch

import (
	"context"
	"sync/atomic"
)

// call is one caller's wait. One whose caller stopped waiting is never used
// again: its flush may still write to it.
type call[Out any] struct {
	left atomic.Int64          // items without a result
	err  atomic.Pointer[error] // of the first page that failed
	outs []Out
	one  [1]Out        // outs of a single item, so that Do allocates nothing
	done chan struct{} // gets one value when left comes to zero
}

// wait returns nil once all results are there. Results that are there win over
// a context that has ended.
func (c *call[Out]) wait(ctx context.Context) error {
	if ctx.Done() == nil {
		<-c.done
		return nil
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-c.done:
		return nil
	default:
		return ctx.Err()
	}
}

// deliver writes the results of a part of the call.
func (c *call[Out]) deliver(s part[Out], outs []Out, err error) {
	copy(c.outs[s.from:s.from+s.n], outs)
	if err != nil {
		first := err // so that only a failure costs an allocation
		c.err.CompareAndSwap(nil, &first)
	}
	if c.left.Add(-int64(s.n)) == 0 {
		c.done <- struct{}{}
	}
}

// failure is the error of the call's pages, if one failed.
func (c *call[Out]) failure() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

// rest makes the call ready for its next use.
func (c *call[Out]) rest() {
	var zero Out
	c.outs, c.one[0] = nil, zero
	c.err.Store(nil)
}
