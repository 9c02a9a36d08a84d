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
