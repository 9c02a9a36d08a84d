package middleware

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// list asks for a list of the key, whose answer is written when written is closed.
func list(t *Turns, key int64, written <-chan struct{}) error {
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/v1/messages", nil), httptest.NewRecorder())
	c.Set("caller", &accept.Caller{Key: account.Key{ID: key}})
	return t.Hold(t.List(func(echo.Context) error {
		<-written
		return nil
	}))(c)
}

func TestTurns_ListsOfAKeyAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns, unread, read := NewTurns(), make(chan struct{}), make(chan struct{})
		close(read)
		for range turnsPerKey {
			go func() { _ = list(turns, 1, unread) }()
		}
		synctest.Wait()
		if err := list(turns, 2, read); err != nil {
			t.Errorf("another key: %v", err)
		}
		began := time.Now()
		err := list(turns, 1, read)
		if e := dispatch.AsError(err); e.Code != dispatch.RateLimited || e.RetryAfter != 1 || time.Since(began) != turnPatience {
			t.Errorf("one list too many: %v after %s", err, time.Since(began))
		}
		waited := make(chan error, 1)
		go func() { waited <- list(turns, 1, read) }()
		synctest.Wait()
		close(unread)
		if err := <-waited; err != nil {
			t.Errorf("once a list is read: %v", err)
		}
		synctest.Wait()
		if len(turns.keys) != 0 {
			t.Errorf("%d keys are kept", len(turns.keys))
		}
	})
}
