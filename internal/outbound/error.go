package outbound

import (
	"errors"
	"net/url"
)

// Error is the failure of a call without an answer.
type Error struct {
	Written bool // bytes of the request may have left this machine
	Err     error
}

// Error returns the cause without the address, which may hold credentials.
func (e *Error) Error() string {
	if e.Written {
		return "no answer: " + e.Err.Error()
	}
	return "not sent: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// strip removes the address, and with it credentials and query, from an error of
// net/http.
func strip(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}
