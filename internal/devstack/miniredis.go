//go:build !image

package devstack

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/alicebob/miniredis/v2"
)

// miniServer stands in for redis-server inside this process.
type miniServer struct{ server *miniredis.Miniredis }

var _ redisServer = (*miniServer)(nil)

func startMiniredis(log *slog.Logger) (*miniServer, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true) // without it nothing ever expires
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	log.Warn("NO redis-server FOUND: miniredis stands in, inside this process. " +
		"It is slower, keeps nothing over a restart and is not what production runs. Install redis-server.")
	return &miniServer{m}, nil
}

func (*miniServer) kind() string { return "miniredis" }

func (m *miniServer) url() string { return "redis://" + m.server.Addr() + "/0" }

func (*miniServer) pid() int { return 0 }

// watch has nothing to do: it dies only with us.
func (*miniServer) watch(context.Context) {}

func (m *miniServer) stop(context.Context) error {
	m.server.Close()
	return nil
}
