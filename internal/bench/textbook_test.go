package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// The textbook build does what it is compared for: a request becomes a row and a
// task, the task a call and two updates.
func TestTextbook_AcceptsAndSends(t *testing.T) {
	url := storetest.Postgres(t)
	t.Setenv("SENDOFF_POSTGRES_URL", url)
	t.Setenv("SENDOFF_REDIS_URL", storetest.Redis(t))
	db, err := sql.Open("postgres", url)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.ExecContext(t.Context(), textbookTable)
	must(t, err)
	bodies := make(chan string, 10)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer provider.Close()
	addr, err := devstack.FreeAddress()
	must(t, err)
	run(t, "serve", addr)
	door, client := "http://"+addr+"/", loadClient()
	wait.For(t, 10*time.Second, func() error {
		return one(client, http.MethodPost, door, "", http.StatusAccepted, message(5, "normal", 9))
	})
	status := func() (status int, to string, err error) {
		err = db.QueryRowContext(t.Context(), `SELECT status, recipient FROM textbook WHERE channel_id = 5 AND reference = 'bench-9'`).
			Scan(&status, &to)
		return status, to, err
	}
	if st, to, err := status(); err != nil || st != 0 || to != recipient(9) {
		t.Fatalf("status %d to %s, %v", st, to, err)
	}
	run(t, "work", provider.URL)
	if body := <-bodies; !strings.Contains(body, recipient(9)) || !strings.Contains(body, "order_confirmation") {
		t.Errorf("the provider got %s", body)
	}
	wait.For(t, 10*time.Second, func() error {
		if st, _, err := status(); st != 2 || err != nil {
			return fmt.Errorf("status %d, %w", st, errors.Join(err, errors.New("not sent yet")))
		}
		return nil
	})
}

// run runs a half of the textbook build until the test ends.
func run(t *testing.T, half, addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- RawTextbook(ctx, half, addr) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", half, err)
		}
	})
}

func TestMeasureTextbook_NothingToCompareWith(t *testing.T) {
	t.Parallel()
	s := &stage{report: &Report{Figures: []Figure{{Name: "accept"}}}}
	if err := measureTextbook(t.Context(), s); err == nil || !strings.Contains(err.Error(), "dispatch") {
		t.Errorf("%v", err)
	}
}

// A task whose provider refuses stays as it was begun and is an error, so that asynq
// runs it again; a request that is no message leaves neither row nor task.
func TestTextbook_Refused(t *testing.T) {
	url := storetest.Postgres(t)
	t.Setenv("SENDOFF_POSTGRES_URL", url)
	t.Setenv("SENDOFF_REDIS_URL", storetest.Redis(t))
	tb, err := openTextbook()
	must(t, err)
	t.Cleanup(func() { must(t, tb.close()) })
	_, err = tb.db.ExecContext(t.Context(), textbookTable)
	must(t, err)
	const id = "01890000-0000-7000-8000-000000000000"
	const insert = `INSERT INTO textbook (id, channel_id, recipient, reference, content) VALUES ($1, 1, '+1', 'r', '{}')`
	_, err = tb.db.ExecContext(t.Context(), insert, id)
	must(t, err)
	answer := http.StatusServiceUnavailable
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	defer provider.Close()
	for _, c := range []struct {
		answer, status int
		id, want       string
	}{
		{http.StatusServiceUnavailable, 1, id, "answer 503"},
		{http.StatusAccepted, 2, id, ""},
		{http.StatusAccepted, 2, "01890000-0000-7000-8000-000000000001", "select: sql: no rows"},
	} {
		answer = c.answer
		err := tb.task(t.Context(), loadClient(), provider.URL, c.id)
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("the provider answers %d to %s: %v", c.answer, c.id, err)
		}
		var status int
		must(t, tb.db.QueryRowContext(t.Context(), `SELECT status FROM textbook`).Scan(&status))
		if status != c.status {
			t.Errorf("the provider answers %d: status %d, want %d", c.answer, status, c.status)
		}
	}
	addr, err := devstack.FreeAddress()
	must(t, err)
	run(t, "serve", addr)
	wait.For(t, 10*time.Second, func() error {
		return one(loadClient(), http.MethodPost, "http://"+addr+"/", "", http.StatusBadRequest, []byte("{"))
	})
	var rows int
	must(t, tb.db.QueryRowContext(t.Context(), `SELECT count(*) FROM textbook`).Scan(&rows))
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
}

// Without its servers the textbook build does not start.
func TestTextbook_NoServers(t *testing.T) {
	t.Setenv("SENDOFF_POSTGRES_URL", "postgres://127.0.0.1:1/x")
	t.Setenv("SENDOFF_REDIS_URL", "nowhere")
	if err := RawTextbook(t.Context(), "serve", "127.0.0.1:0"); err == nil {
		t.Error("it started")
	}
}
