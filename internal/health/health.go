// Package health serves the readiness of a process.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// The timeout of each check. A Redis that hangs must neither make Postgres look
// down nor delay the answer beyond the second that Kubernetes waits.
const (
	postgresTime = 2 * time.Second
	redisTime    = 500 * time.Millisecond
)

// Ready serves /readyz. Postgres must answer; without Redis everything still
// works, only slower, and without the secrets of a channel that channel waits:
// degraded, not unready.
func Ready(postgres, redis, secrets func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var noPostgres, noRedis, noSecrets error
		var all sync.WaitGroup
		all.Go(func() { noPostgres = ask(r.Context(), postgresTime, postgres) })
		all.Go(func() { noRedis = ask(r.Context(), redisTime, redis) })
		all.Go(func() { noSecrets = ask(r.Context(), postgresTime, secrets) })
		all.Wait()
		status, answer := http.StatusOK, map[string]string{"status": "ready", "postgres": "ok", "redis": "ok"}
		if noRedis != nil {
			answer["status"], answer["redis"] = "degraded", fault(noRedis)+": messages are accepted and sent all the same, a little later"
		}
		if noSecrets != nil && noPostgres == nil {
			answer["status"], answer["secrets"] = "degraded", fault(noSecrets)
		}
		if noPostgres != nil {
			status, answer["status"], answer["postgres"] = http.StatusServiceUnavailable, "unready", fault(noPostgres)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
	})
}

// fault returns what a probe may show of err: a sentence of Sendoff's own, never
// an address.
func fault(err error) string {
	if f, ok := errors.AsType[interface {
		error
		Fault() string
	}](err); ok {
		return f.Fault()
	}
	return "away"
}

func ask(ctx context.Context, most time.Duration, ping func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return ping(ctx)
}
