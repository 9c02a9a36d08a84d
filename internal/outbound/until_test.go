package outbound

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Until's context behaves as that of context.WithDeadline, whether anybody waits or not.
func TestUntil_AsWithDeadline(t *testing.T) {
	t.Parallel()
	errMine := errors.New("mine")
	type key struct{}
	for _, waits := range []bool{false, true} {
		for name, c := range map[string]struct {
			do    func(cut context.CancelCauseFunc, end context.CancelFunc)
			err   error
			cause error
		}{
			"nothing":     {func(context.CancelCauseFunc, context.CancelFunc) {}, nil, nil},
			"parent ends": {func(cut context.CancelCauseFunc, _ context.CancelFunc) { cut(errMine) }, context.Canceled, errMine},
			"end":         {func(_ context.CancelCauseFunc, end context.CancelFunc) { end() }, context.Canceled, context.Canceled},
			"deadline": {
				func(context.CancelCauseFunc, context.CancelFunc) { time.Sleep(time.Second) }, context.DeadlineExceeded, context.DeadlineExceeded,
			},
			"end, then late": {
				func(_ context.CancelCauseFunc, end context.CancelFunc) { end(); time.Sleep(time.Hour) }, context.Canceled, context.Canceled,
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				parent, cut := context.WithCancelCause(context.WithValue(t.Context(), key{}, "v"))
				defer cut(nil)
				ctx, end := Until(parent, time.Now().Add(time.Second))
				defer end()
				child := ctx
				if waits {
					var stop context.CancelFunc
					child, stop = context.WithCancel(ctx)
					defer stop()
				}
				c.do(cut, end)
				synctest.Wait()
				if err := ctx.Err(); !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Errorf("%s, waits %v: err %v, want %v", name, waits, err, c.err)
				}
				if cause := context.Cause(ctx); !errors.Is(cause, c.cause) {
					t.Errorf("%s, waits %v: cause %v, want %v", name, waits, cause, c.cause)
				}
				if waits && (child.Err() == nil) != (c.err == nil) {
					t.Errorf("%s: child %v", name, child.Err())
				}
				if ctx.Value(key{}) != "v" {
					t.Errorf("%s: no value", name)
				}
				select {
				case <-ctx.Done():
					if c.err == nil {
						t.Errorf("%s, waits %v: done", name, waits)
					}
				default:
					if c.err != nil {
						t.Errorf("%s, waits %v: not done", name, waits)
					}
				}
				if again := ctx.Err(); !errors.Is(again, c.err) {
					t.Errorf("%s, waits %v: then %v", name, waits, again)
				}
			})
		}
	}
	sooner, end := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer end()
	ctx, _ := Until(sooner, time.Unix(2, 0))
	if d, ok := ctx.Deadline(); !ok || !d.Equal(time.Unix(1, 0)) {
		t.Errorf("deadline %v", d)
	}
}
