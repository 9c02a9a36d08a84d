package app

import (
	"context"
	"log/slog"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/limit"
)

// ServeBare is Serve without the limits of keys: what the benchmark holds
// against the real front door.
func ServeBare(cfg *config.Config, addr string, log *slog.Logger) (*Running, error) {
	return serve(cfg, addr, log, func(o *api.Options, acc *accept.Service) {
		o.Limits, acc.Recipients = unlimited{}, nil
	})
}

type unlimited struct{}

// Spend allows all.
func (unlimited) Spend(_ context.Context, s limit.Spend) (limit.Decision, error) {
	return limit.Decision{Allowed: true, AllowedN: s.N}, nil
}

// Return has nothing to take back.
func (unlimited) Return(context.Context, limit.Spend, int64) (limit.Decision, error) {
	return limit.Decision{Allowed: true}, nil
}
