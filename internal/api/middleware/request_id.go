package middleware

import (
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

const requestIDHeader = "X-Request-Id"

// RequestID returns the id that names a request in answers and in the log: the
// client's own if it has at most 64 visible ASCII characters, otherwise a new
// UUID.
func RequestID(c echo.Context) string {
	if id, ok := c.Get("request_id").(string); ok {
		return id
	}
	id := c.Request().Header.Get(requestIDHeader)
	if len(id) == 0 || len(id) > 64 || !VisibleASCII(id) {
		id = uuid.NewString()
	}
	c.Set("request_id", id)
	return id
}

// VisibleASCII reports whether s holds visible ASCII characters only: no
// spaces, no control characters.
func VisibleASCII(s string) bool {
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}
