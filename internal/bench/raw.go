package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/labstack/echo/v4"
	_ "github.com/lib/pq" // the driver

	"github.com/sendoff/sendoff/internal/queue"
)

// RawEcho serves the bare front door that accept and poll are compared with: it
// reads a JSON body and answers, until ctx ends.
func RawEcho(ctx context.Context, addr string) error {
	e := echo.New()
	e.POST("/", func(c echo.Context) error {
		var body map[string]any
		if err := c.Bind(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, map[string]string{"message_id": "00000000-0000-0000-0000-000000000000", "status": "queued"})
	})
	e.GET("/", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"message_id": "00000000-0000-0000-0000-000000000000", "status": "queued"})
	})
	return listen(ctx, e, addr)
}

// listen serves e at addr until ctx ends.
func listen(ctx context.Context, e *echo.Echo, addr string) error {
	e.HideBanner, e.HidePort = true, true
	defer context.AfterFunc(ctx, func() { _ = e.Close() })()
	if err := e.Start(addr); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// rawEcho measures bare echo over the same connections and time.
func (s *stage) rawEcho(ctx context.Context, method string, conns int, d time.Duration) (float64, error) {
	url, cmd, err := s.raw(ctx, "", "bare echo")
	if err != nil {
		return 0, err
	}
	defer s.end(cmd)
	o := shots{URLs: []string{url}, Method: method, Conns: conns, For: d, Want: http.StatusOK}
	if method == http.MethodPost {
		o.Want, o.Channel, o.Lane = http.StatusAccepted, 1, "normal"
	}
	l, err := s.shoot(ctx, o)
	if err != nil {
		return 0, err
	}
	return l.rate(), nil
}

// copyContent is the content of a message as it is stored.
const copyContent = `{"type":"template","template":{"name":"order_confirmation","language":{"code":"en"},` +
	`"components":[{"type":"body","parameters":[{"type":"text","text":"Ada"},{"type":"text","text":"A-1"},{"type":"text","text":"9.90"}]}],` +
	`"template_id":1}}`

// rawCopy measures COPY of the rows that an accepted batch writes to messages.
func (s *stage) rawCopy(ctx context.Context, n int) (rate float64, err error) {
	if _, err := s.db.ExecContext(ctx, `DROP TABLE IF EXISTS raw_copy;
		CREATE TABLE raw_copy (LIKE messages INCLUDING DEFAULTS INCLUDING INDEXES)`); err != nil {
		return 0, fmt.Errorf("make table: %w", err)
	}
	began := time.Now()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	st, err := tx.PrepareContext(
		ctx, `COPY raw_copy (id, account_id, channel_id, key_id, lane, type, recipient, content, reference, expires_at) FROM STDIN`,
	)
	if err != nil {
		return 0, fmt.Errorf("start copy: %w", err)
	}
	expires := time.Now().Add(24 * time.Hour)
	for i := range n {
		if _, err := st.ExecContext(
			ctx, uuid.Must(uuid.NewV7()).String(), 1, 1, 1, 1, "template", recipient(i), copyContent, fmt.Sprint("bench-", i), expires,
		); err != nil {
			return 0, fmt.Errorf("copy: %w", err)
		}
	}
	if _, err := st.ExecContext(ctx); err != nil {
		return 0, fmt.Errorf("end copy: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	rate = float64(n) / time.Since(began).Seconds()
	_, err = s.db.ExecContext(ctx, `DROP TABLE raw_copy`)
	return rate, err
}

// rawAsynq measures asynq running empty tasks one by one in one process, as a
// textbook build would use it.
func (s *stage) rawAsynq(ctx context.Context, n int) (float64, error) {
	rc, err := queue.Open(strings.TrimSuffix(s.stack.RedisURL(), "/0")+"/1", 64)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rc.Close() }()
	c := asynq.NewClientFromRedisClient(rc)
	for range n {
		if _, err := c.EnqueueContext(ctx, asynq.NewTask("empty", uuid.New().NodeID())); err != nil {
			return 0, fmt.Errorf("enqueue: %w", err)
		}
	}
	var done atomic.Int64
	srv := asynq.NewServerFromRedisClient(
		rc, asynq.Config{Concurrency: 64, TaskCheckInterval: 10 * time.Millisecond, LogLevel: asynq.FatalLevel},
	)
	began := time.Now()
	if err := srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { done.Add(1); return nil })); err != nil {
		return 0, fmt.Errorf("start asynq: %w", err)
	}
	err = s.until(ctx, 2*time.Minute, "empty tasks", func() (bool, error) { return done.Load() == int64(n), nil })
	rate := float64(n) / time.Since(began).Seconds()
	srv.Shutdown()
	return rate, err
}
