//go:build image

package devstack

import (
	"errors"
	"log/slog"
)

// startMiniredis reports that the image has no stand-in: it serves, and starts no
// servers.
func startMiniredis(*slog.Logger) (redisServer, error) {
	return nil, errors.New("redis-server not found; the image has no stand-in for it")
}
