package middleware

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// csvPatience is how long a client may take to receive the next piece of a file.
const csvPatience = 2 * time.Minute

// CSV streams a file that write writes. An error after its first byte breaks the
// connection off, so that nobody takes a part for the whole; one before is returned.
func CSV(c echo.Context, name string, write func(context.Context, io.Writer) error) error {
	w := &lateWriter{c: c, name: name}
	err := write(c.Request().Context(), w)
	if err != nil && c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	if err == nil && !c.Response().Committed {
		w.begin()
	}
	return err
}

// lateWriter sends the headers with the first bytes: until then an error is an
// answer of its own.
type lateWriter struct {
	c    echo.Context
	name string
}

func (w *lateWriter) begin() {
	h := w.c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+w.name+`.csv"`)
	w.c.Response().WriteHeader(http.StatusOK)
}

// Write implements io.Writer.
func (w *lateWriter) Write(p []byte) (int, error) {
	if !w.c.Response().Committed {
		w.begin()
	}
	_ = http.NewResponseController(w.c.Response().Writer).SetWriteDeadline(time.Now().Add(csvPatience))
	return w.c.Response().Write(p)
}
