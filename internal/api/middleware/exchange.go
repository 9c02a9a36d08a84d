package middleware

import (
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// exchange is the context of one request and its answer. It has room for what handlers note
// about it, for which echo makes a map with a lock. One goroutine at a time uses it.
type exchange struct {
	echo.Context

	next    echo.HandlerFunc // the route's
	id      string
	ids     [2]string // id, as values of the headers of answer and request
	message dispatch.ID
	body    pacedBody
	names   [5]string
	notes   [5]any
	n       int // of both
}

// Get implements echo.Context.
func (x *exchange) Get(name string) any {
	for i, known := range x.names[:x.n] {
		if known == name {
			return x.notes[i]
		}
	}
	return x.Context.Get(name)
}

// Set implements echo.Context.
func (x *exchange) Set(name string, v any) {
	i := 0
	for i < x.n && x.names[i] != name {
		i++
	}
	if i == len(x.names) {
		x.Context.Set(name, v)
		return
	}
	x.names[i], x.notes[i], x.n = name, v, max(x.n, i+1)
}

// Error implements echo.Context: what answers an error sees the notes.
func (x *exchange) Error(err error) { x.Echo().HTTPErrorHandler(err, x) }
