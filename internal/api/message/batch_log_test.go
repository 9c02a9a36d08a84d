package message

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A batch that met a dead Postgres has one line in the log, and a result for each
// message.
func TestBatch_ManyInternalErrors_AreLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := echo.New().NewContext(httptest.NewRequest("POST", "/v1/messages/batch", nil), httptest.NewRecorder())
	b := &batchRun{h: &Handler{Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}, c: c}
	defer func() { _ = b.out.close() }()
	b.reject(0, dispatch.InvalidField("/to", "is required"))
	for i := range 2000 {
		b.reject(i+1, &dispatch.Error{Code: dispatch.OutcomeUnknown, Msg: "not known", Err: errors.New("connection lost")})
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "connection lost") || b.rejected != 2001 {
		t.Errorf("%d lines for %d results: %.300s", n, b.rejected, log.String())
	}
}
