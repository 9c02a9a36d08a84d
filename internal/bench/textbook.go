package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/queue"
)

// The textbook build is what a team writes first, with the parts that Sendoff is
// made of: a request is one INSERT and one Enqueue, a task is SELECT, UPDATE,
// POST and UPDATE. It has no keys, limits, templates, history or retries of its
// own, and it loses nothing as long as nothing dies.

const textbookTable = `CREATE TABLE IF NOT EXISTS textbook (id uuid PRIMARY KEY, channel_id bigint NOT NULL, recipient text NOT NULL,
  reference text NOT NULL, content jsonb NOT NULL, status smallint NOT NULL DEFAULT 0, provider_id text,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz)`

// textbookQueue is the type of its tasks; they lie in a Redis database of their
// own.
const textbookQueue = "textbook"

// textbook are the two clients that both of its processes have.
type textbook struct {
	db  *sql.DB
	rdb redis.UniversalClient
}

func openTextbook() (*textbook, error) {
	db, err := sql.Open("postgres", os.Getenv("SENDOFF_POSTGRES_URL"))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(16) // as many as serve and work have
	db.SetMaxIdleConns(16)
	url := os.Getenv("SENDOFF_REDIS_URL")
	if base, ok := strings.CutSuffix(url, "/0"); ok {
		url = base + "/2"
	}
	rdb, err := queue.Open(url, 64)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &textbook{db: db, rdb: rdb}, nil
}

func (t *textbook) close() error { return errors.Join(t.db.Close(), t.rdb.Close()) }

// RawTextbook runs one half of the textbook build until ctx ends: the front door
// at addr, or the worker that posts to the provider at addr.
func RawTextbook(ctx context.Context, half, addr string) (err error) {
	t, err := openTextbook()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	if half == "work" {
		return t.work(ctx, addr)
	}
	return t.serve(ctx, addr)
}

func (t *textbook) serve(ctx context.Context, addr string) error {
	client := asynq.NewClientFromRedisClient(t.rdb)
	e := echo.New()
	e.POST("/", func(c echo.Context) error {
		var m struct {
			Channel   int64           `json:"channel"`
			To        string          `json:"to"`
			Reference string          `json:"reference"`
			Template  json.RawMessage `json:"template"`
		}
		if err := c.Bind(&m); err != nil {
			return err
		}
		id := uuid.Must(uuid.NewV7()).String()
		_, err := t.db.ExecContext(c.Request().Context(),
			`INSERT INTO textbook (id, channel_id, recipient, reference, content) VALUES ($1, $2, $3, $4, $5)`,
			id, m.Channel, m.To, m.Reference, string(m.Template))
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if _, err := client.EnqueueContext(c.Request().Context(), asynq.NewTask(textbookQueue, []byte(id))); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
		return c.JSON(http.StatusAccepted, map[string]string{"message_id": id, "status": "queued"})
	})
	return listen(ctx, e, addr)
}

func (t *textbook) work(ctx context.Context, provider string) error {
	client := loadClient()
	srv := asynq.NewServerFromRedisClient(
		t.rdb, asynq.Config{Concurrency: 64, TaskCheckInterval: 10 * time.Millisecond, LogLevel: asynq.FatalLevel},
	)
	err := srv.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		return t.task(ctx, client, provider, string(task.Payload()))
	}))
	if err != nil {
		return fmt.Errorf("start asynq: %w", err)
	}
	<-ctx.Done()
	srv.Shutdown()
	return nil
}

// task sends one message.
func (t *textbook) task(ctx context.Context, client *http.Client, provider, id string) error {
	var to, content string
	if err := t.db.QueryRowContext(ctx, `SELECT recipient, content FROM textbook WHERE id = $1`, id).Scan(&to, &content); err != nil {
		return fmt.Errorf("select: %w", err)
	}
	if _, err := t.db.ExecContext(ctx, `UPDATE textbook SET status = 1, updated_at = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	body := fmt.Appendf(nil, `{"messaging_product":"whatsapp","to":%q,"type":"template","template":%s}`, to, content)
	if err := one(client, http.MethodPost, provider, "", http.StatusAccepted, body); err != nil {
		return err
	}
	if _, err := t.db.ExecContext(ctx, `UPDATE textbook SET status = 2, updated_at = now() WHERE id = $1`, id); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

// measureTextbook measures the textbook build and compares the figures of accept
// and dispatch with it.
func measureTextbook(ctx context.Context, s *stage) error {
	accept, dispatch := s.figure("accept"), s.figure("dispatch")
	if accept == nil || dispatch == nil {
		return errors.New("there is nothing to compare it with: run the figures accept and dispatch too")
	}
	if _, err := s.db.ExecContext(ctx, textbookTable); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	l, err := s.textbookAccepts(ctx)
	if err != nil {
		return err
	}
	rate, err := s.textbookSends(ctx, l.done)
	if err != nil {
		return err
	}
	s.add(Figure{
		Name: "textbook accept", How: accept.How, Raw: l.rate(), RawIs: "echo, one INSERT and one Enqueue", Value: accept.Value,
		Unit: accept.Unit, Must: "2.5 x", Reach: accept.Value >= 2.5*l.rate(),
		Detail: fmt.Sprintf("the textbook's p50 %s p99 %s", ms(l.p(.5)), ms(l.p(.99))),
	})
	s.add(Figure{
		Name: "textbook dispatch", How: dispatch.How, Raw: rate, RawIs: "SELECT, UPDATE, POST and UPDATE a task", Value: dispatch.Value,
		Unit: dispatch.Unit, Must: "9 x", Reach: dispatch.Value >= 9*rate,
	})
	return nil
}

// figure returns a figure that was measured before, or nil.
func (s *stage) figure(name string) *Figure {
	for i := range s.report.Figures {
		if s.report.Figures[i].Name == name {
			return &s.report.Figures[i]
		}
	}
	return nil
}

// textbookAccepts measures its front door, with no worker beside it.
func (s *stage) textbookAccepts(ctx context.Context) (*load, error) {
	url, cmd, err := s.raw(ctx, "--raw-textbook=serve", "bench --raw-textbook")
	if err != nil {
		return nil, err
	}
	defer s.end(cmd)
	l, err := s.shoot(ctx, shots{
		URLs: []string{url}, Method: http.MethodPost, Conns: 64, For: s.seconds(2, 15), Want: http.StatusAccepted, Channel: 1, Lane: "normal",
	})
	if err == nil && l.done == 0 {
		err = errors.New("the textbook build accepted nothing")
	}
	return l, err
}

// textbookSends measures its worker on the n messages that were accepted and the
// ones that found out that the front door was there.
func (s *stage) textbookSends(ctx context.Context, n int) (float64, error) {
	url, provider, err := s.raw(ctx, "", "the bare provider")
	if err != nil {
		return 0, err
	}
	defer s.end(provider)
	cmd, err := s.spawn("bench", "--raw-textbook=work", "--raw-echo", url)
	if err != nil {
		return 0, err
	}
	defer s.end(cmd)
	sent := func() (count int, err error) {
		err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM textbook WHERE status = 2`).Scan(&count)
		return count, err
	}
	var began time.Time
	before := 0
	err = s.until(ctx, 5*time.Minute, "the textbook build", func() (bool, error) {
		count, err := sent()
		if err == nil && count > 0 && began.IsZero() {
			began, before = time.Now(), count
		}
		return count >= n, err
	})
	return float64(n-before) / time.Since(began).Seconds(), err
}

// raw starts this program as a bare server and waits until it answers.
func (s *stage) raw(ctx context.Context, flag, what string) (url string, cmd *exec.Cmd, err error) {
	addr, err := devstack.FreeAddress()
	if err != nil {
		return "", nil, err
	}
	args := []string{"bench", "--raw-echo", addr}
	if flag != "" {
		args = append(args, flag)
	}
	if cmd, err = s.spawn(args...); err != nil {
		return "", nil, err
	}
	url = "http://" + addr + "/"
	err = s.until(ctx, 10*time.Second, what, func() (bool, error) {
		return one(s.client, http.MethodPost, url, "", http.StatusAccepted, message(1, "normal", 0)) == nil, nil
	})
	return url, cmd, err
}
