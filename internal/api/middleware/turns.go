package middleware

import (
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// How many lists of a key are made and written at the same time, and how long
// another waits for its turn: clients that do not read their answers must not fill
// the memory.
const (
	turnsPerKey  = 8
	turnPatience = 10 * time.Second
)

// Turns bounds the lists of each key that are on their way.
type Turns struct {
	mu   sync.Mutex
	keys map[int64]*turns
}

// turns are those of a key; used counts the requests that hold or await one.
type turns struct {
	free chan struct{}
	used int
}

// NewTurns returns Turns.
func NewTurns() *Turns { return &Turns{keys: map[int64]*turns{}} }

// Take waits for a turn of the caller's key, which the request has until its answer
// is written (see Hold). It returns an error with the code dispatch.RateLimited if
// none becomes free in time.
func (t *Turns) Take(c echo.Context, who *accept.Caller) error {
	key := who.Key.ID
	of := t.join(key)
	timeout := time.NewTimer(turnPatience)
	defer timeout.Stop()
	select {
	case of.free <- struct{}{}:
		c.Set("turn", func() { <-of.free; t.leave(key) })
		return nil
	case <-c.Request().Context().Done():
		t.leave(key)
		return c.Request().Context().Err()
	case <-timeout.C:
		t.leave(key)
		return &dispatch.Error{
			Code: dispatch.RateLimited, RetryAfter: 1,
			Msg: "too many lists of the key are on their way; read their answers before you ask for more",
		}
	}
}

// Hold ends the turn of a request when its answer is written.
func (t *Turns) Hold(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		defer func() {
			if end, ok := c.Get("turn").(func()); ok {
				end()
			}
		}()
		return next(c)
	}
}

// List guards the route of a list.
func (t *Turns) List(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := t.Take(c, Caller(c)); err != nil {
			return err
		}
		return next(c)
	}
}

func (t *Turns) join(key int64) *turns {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.keys[key]
	if of == nil {
		of = &turns{free: make(chan struct{}, turnsPerKey)}
		t.keys[key] = of
	}
	of.used++
	return of
}

func (t *Turns) leave(key int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if of := t.keys[key]; of.used > 1 {
		of.used--
	} else {
		delete(t.keys, key)
	}
}
