package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// authenticate finds the caller of a key and counts the call.
func (s *Server) authenticate(ctx context.Context, secret string) (*accept.Caller, error) {
	who, err := s.callerOf(ctx, secret)
	if err == nil {
		s.calls.add(who.Key.ID)
	}
	return who, err
}

// callerOf finds the caller of a key. Each way to fail has its Reason: dialects
// have a sentence for each.
func (s *Server) callerOf(ctx context.Context, secret string) (*accept.Caller, error) {
	if secret == "" {
		return nil, unauthorized("missing", "no API key was sent")
	}
	test, ok := auth.Parse(secret)
	if !ok {
		return nil, unauthorized("unknown", "the API key is not valid")
	}
	key, err := s.Registry.Key(ctx, auth.Hash(secret))
	switch {
	case err != nil && dispatch.CodeOf(err) == dispatch.NotFound, err == nil && key.Test != test:
		return nil, unauthorized("unknown", "the API key is not valid")
	case err != nil:
		return nil, unavailable(err)
	case !key.Active:
		return nil, unauthorized("inactive", "the API key is inactive")
	case key.ExpiresAt != nil && time.Now().After(*key.ExpiresAt):
		return nil, unauthorized("expired", "the API key has expired")
	}
	account, err := s.Registry.Account(ctx, key.Account)
	switch {
	case err != nil:
		return nil, unavailable(err)
	case account.DisabledAt != nil:
		return nil, unauthorized("inactive", "the API key is inactive")
	}
	perms, err := auth.ParsePermissions(key.Permissions)
	if err != nil {
		return nil, fmt.Errorf("key %d: %w", key.ID, err)
	}
	return &accept.Caller{Account: account, Key: key, Permissions: perms}, nil
}

func unauthorized(reason, msg string) error {
	return &dispatch.Error{Code: dispatch.Unauthorized, Reason: reason, Msg: msg}
}

// unavailable is what a client hears when the database does not answer before
// anything was written.
func unavailable(err error) error {
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: "the service is not available at the moment; try again shortly", RetryAfter: 1, Err: err}
}

// native is the native API's way in: Authorization: Bearer or X-API-Key.
func (s *Server) native(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := s.authenticate(c.Request().Context(), nativeKey(c.Request()))
		if err != nil {
			return err
		}
		c.Set("caller", who)
		return next(c)
	}
}

func nativeKey(r *http.Request) string {
	if h := r.Header.Get("Authorization"); len(h) > 7 && strings.EqualFold(h[:7], "bearer ") {
		return strings.TrimSpace(h[7:])
	}
	return r.Header.Get("X-Api-Key")
}

func caller(c echo.Context) *accept.Caller { return c.Get("caller").(*accept.Caller) }

// reads guards a reading route: the permission, and the limits of reads.
func (s *Server) reads(permission string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			who := caller(c)
			if err := s.spend(c, who, 1, true); err != nil {
				return err
			}
			if err := who.Require(permission); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// callCounter gathers requests by key and writes them once a second: calls
// today and last use are for people to look at.
type callCounter struct {
	mu     sync.Mutex
	counts map[int64]int64
}

func (k *callCounter) add(key int64) {
	k.mu.Lock()
	k.counts[key]++
	k.mu.Unlock()
}

func (k *callCounter) run(ctx context.Context, st *store.Store, log *slog.Logger) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			k.write(context.WithoutCancel(ctx), st, log)
			return
		case <-tick.C:
			k.write(ctx, st, log)
		}
	}
}

func (k *callCounter) write(ctx context.Context, st *store.Store, log *slog.Logger) {
	k.mu.Lock()
	counts := k.counts
	k.counts = map[int64]int64{}
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := st.AddCalls(ctx, counts); err != nil {
		log.Debug("call counts not written", "error", err)
	}
}
