package middleware

import (
	"errors"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/labstack/echo/v4"
)

// Notes are kept, however many, and an error's answer sees them.
func TestExchange_Notes_Kept(t *testing.T) {
	t.Parallel()
	e := echo.New()
	x := &exchange{Context: e.NewContext(httptest.NewRequest("GET", "/", nil), httptest.NewRecorder())}
	x.Context.Set("before", "b")
	for round := range 2 {
		for i := range 2 * len(x.names) {
			x.Set(strconv.Itoa(i), i+round)
		}
		for i := range 2 * len(x.names) {
			if got := x.Get(strconv.Itoa(i)); got != i+round {
				t.Errorf("%d: %v", i, got)
			}
		}
	}
	if x.Get("before") != "b" || x.Get("none") != nil {
		t.Errorf("before: %v, none: %v", x.Get("before"), x.Get("none"))
	}
	e.HTTPErrorHandler = func(_ error, c echo.Context) { x.Set("answered", c.Get("0")) }
	x.Error(errors.New("no"))
	if x.Get("answered") != 1 {
		t.Errorf("the answer saw %v", x.Get("answered"))
	}
}
