package middleware

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

const requestIDHeader = "X-Request-Id"

// RequestID returns the id that names a request in answers and in the log: the
// client's own if it has at most 64 visible ASCII characters, otherwise a new
// UUID.
func RequestID(c echo.Context) string {
	if x, ok := c.(*exchange); ok {
		if x.id == "" {
			x.id = requestID(c)
		}
		return x.id
	}
	id, ok := c.Get("request_id").(string)
	if !ok {
		id = requestID(c)
		c.Set("request_id", id)
	}
	return id
}

func requestID(c echo.Context) string {
	id := c.Request().Header.Get(requestIDHeader)
	if len(id) == 0 || len(id) > 64 || !VisibleASCII(id) {
		return newRequestID()
	}
	return id
}

// newRequestID returns a random UUID. It names a request and is no secret, so that its bits
// need no system call.
func newRequestID() string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // of RFC 9562
	return id.String()
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
