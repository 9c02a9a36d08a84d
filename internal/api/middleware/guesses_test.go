package middleware

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestGuesses_ManyOfOneAddress_AreRefused(t *testing.T) {
	t.Parallel()
	g := new(guesses)
	guess := func(from string) dispatch.Code {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/messages", nil)
		r.RemoteAddr = from
		return dispatch.CodeOf(g.refuse(r, Unauthorized("unknown", "the API key is not valid")))
	}
	first := guessesAtOnce
	for i := range 2 * guessesAtOnce {
		if code := guess("192.0.2.7:5000"); code == dispatch.RateLimited {
			first = min(first, i)
		}
	}
	if first < guessesAtOnce/2 || guess("192.0.2.7:6000") != dispatch.RateLimited {
		t.Errorf("refused from guess %d on", first)
	}
	for _, other := range []string{"192.0.2.8:5000", "[2001:db8::1]:5000", "nowhere"} {
		if code := guess(other); code != dispatch.Unauthorized {
			t.Errorf("%s: %s", other, code)
		}
	}
	for range 2 * guessesAtOnce {
		guess("[2001:db8::2]:5000")
	}
	if code := guess("[2001:db8::3]:5000"); code != dispatch.RateLimited {
		t.Errorf("a neighbour in the /64: %s", code)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/messages", nil)
	r.RemoteAddr = "192.0.2.7:5000"
	other := errors.New("something else")
	if err := errors.Join(g.refuse(r, nil)); err != nil || !errors.Is(g.refuse(r, other), other) {
		t.Error("a request with a valid key is refused")
	}
}
