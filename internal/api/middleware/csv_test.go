package middleware_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
)

// A part of a file must not pass for the whole: an error after the first byte breaks
// the connection off, one before it is an answer of its own.
func TestCSV_Errors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database is away")
	for name, c := range map[string]struct {
		parts  []string
		err    error
		status int
		body   string
		whole  bool
	}{
		"whole":             {[]string{"a,b\n", "1,2\n"}, nil, 200, "a,b\n1,2\n", true},
		"empty":             {nil, nil, 200, "", true},
		"fails at once":     {nil, broken, 500, "", true},
		"fails on the way":  {[]string{"a,b\n"}, broken, 200, "a,b\n", false},
		"fails at the last": {[]string{"a,b\n", "1,2\n"}, broken, 200, "a,b\n1,2\n", false},
	} {
		e := echo.New()
		e.GET("/x.csv", func(ec echo.Context) error {
			return middleware.CSV(ec, "x-7", func(_ context.Context, w io.Writer) error {
				for _, p := range c.parts {
					if _, err := io.WriteString(w, p); err != nil {
						return err
					}
					ec.Response().Flush()
				}
				return c.err
			})
		})
		srv := httptest.NewServer(e)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/x.csv", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		srv.Close()
		if res.StatusCode != c.status || (err == nil) != c.whole || res.StatusCode == 200 && string(body) != c.body {
			t.Errorf("%s: %d %q, %v", name, res.StatusCode, body, err)
		}
		if got := res.Header.Get("Content-Disposition"); c.status == 200 && got != `attachment; filename="x-7.csv"` {
			t.Errorf("%s: Content-Disposition %q", name, got)
		}
	}
}
