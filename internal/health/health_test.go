package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestReady(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) error { return nil }
	gone := func(context.Context) error { return errors.New("connection refused") }
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		postgres, redis, secrets func(context.Context) error
		code                     int
		status                   string
	}{
		"both":            {fine, fine, fine, http.StatusOK, "ready"},
		"no Redis":        {fine, gone, fine, http.StatusOK, "degraded"},
		"Redis hangs":     {fine, hangs, fine, http.StatusOK, "degraded"},
		"no secrets":      {fine, fine, gone, http.StatusOK, "degraded"},
		"no Postgres":     {gone, fine, fine, http.StatusServiceUnavailable, "unready"},
		"Postgres hangs":  {hangs, fine, fine, http.StatusServiceUnavailable, "unready"},
		"none":            {gone, hangs, fine, http.StatusServiceUnavailable, "unready"},
		"none, both hang": {hangs, hangs, fine, http.StatusServiceUnavailable, "unready"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, began := httptest.NewRecorder(), time.Now()
				Ready(c.postgres, c.redis, c.secrets).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
				var answer map[string]string
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != c.code || answer["status"] != c.status {
					t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.code, c.status)
				}
				if took := time.Since(began); took >= time.Second && c.code == http.StatusOK {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}
