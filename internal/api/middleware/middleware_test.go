package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store/account"
)

// request returns the context of a request.
func request(method, path, body string, headers ...string) (echo.Context, *httptest.ResponseRecorder) {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	return echo.New().NewContext(r, w), w
}

func TestReadBody_Limit(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]dispatch.Code{"": "", "12345678": "", "123456789": dispatch.TooLarge} {
		for _, known := range []bool{true, false} {
			c, _ := request("POST", "/", body)
			if !known {
				c.Request().ContentLength = -1
			}
			got, err := middleware.ReadBody(c, 8)
			if err == nil && string(got) != body || err != nil && dispatch.CodeOf(err) != want || err == nil && want != "" {
				t.Errorf("%q, length known %v: got %q, %v", body, known, got, err)
			}
		}
	}
}

// cutOff is a body that ends before it is complete.
type cutOff struct{ io.Reader }

func (c cutOff) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestReadBody_EndsUnexpectedly_IsMalformed(t *testing.T) {
	t.Parallel()
	c, _ := request("POST", "/", "")
	c.Request().Body = io.NopCloser(cutOff{strings.NewReader("{")})
	c.Request().ContentLength = -1
	if _, err := middleware.ReadBody(c, 8); dispatch.CodeOf(err) != dispatch.Malformed {
		t.Errorf("got %v", err)
	}
}

func TestRequireJSON(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]dispatch.Code{
		"": "", "application/json": "", "application/problem+json": "", "application/jsonx": dispatch.UnsupportedMedia,
		"text/plain": dispatch.UnsupportedMedia,
	} {
		c, _ := request("POST", "/", "{}", "Content-Type", contentType)
		if err := middleware.RequireJSON(c); err != nil && dispatch.CodeOf(err) != want || err == nil && want != "" {
			t.Errorf("%q: got %v", contentType, err)
		}
	}
}

func TestPathMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		route, path string
		want        bool
	}{
		{"/v1/messages/:id", "/v1/messages/7", true},
		{"/v1/messages/:id", "/v1/messages/", false},
		{"/v1/messages/:id", "/v1/messages/7/events", false},
		{"/v1/messages/:id", "/v1/messages", false},
		{"/v1/*", "/v1/anything/at/all", true},
		{"/:version/:id/messages", "/v25.0/1/messages", true},
		{"/:version/:id/messages", "/v1/1/messages", false},
	} {
		if got := middleware.PathMatches(c.route, c.path); got != c.want {
			t.Errorf("%s, %s: got %v", c.route, c.path, got)
		}
	}
}

func TestRequestID_KeepsPlainOnes(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]bool{
		"abc-1": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "a b": false,
		"é": false, "": false,
	} {
		c, _ := request("GET", "/", "", "X-Request-Id", given)
		got := middleware.RequestID(c)
		if (got == given) != kept || got == "" || middleware.RequestID(c) != got {
			t.Errorf("%q: got %q", given, got)
		}
	}
}

func TestWriteProblem_InternalError_HidesItsCause(t *testing.T) {
	t.Parallel()
	c, w := request("GET", "/", "", "X-Request-Id", "r1")
	if err := middleware.WriteProblem(c, errors.New("pq: secret detail")); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), `"request_id":"r1"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestWriteProblem_SetsHeaders(t *testing.T) {
	t.Parallel()
	c, w := request("GET", "/", "")
	_ = middleware.WriteProblem(c, &dispatch.Error{Code: dispatch.RateLimited, Msg: "slow down", RetryAfter: 7})
	if w.Code != 429 || w.Header().Get("Retry-After") != "7" || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	c, w = request("GET", "/", "")
	_ = middleware.WriteProblem(c, middleware.Unauthorized("missing", "no API key was sent"))
	if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// requests are the observed ones.
type requests []string

func (r *requests) Request(route, method string, status int, _ time.Duration) {
	*r = append(*r, method+" "+route+" "+http.StatusText(status))
}

func TestObserve_CountsPanicsAndMisroutedRequests(t *testing.T) {
	t.Parallel()
	var seen requests
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { _ = middleware.WriteProblem(c, err) }
	e.Use(middleware.Observe(&seen, slog.New(slog.DiscardHandler)), middleware.Options)
	e.GET("/panic", func(echo.Context) error { panic("no") })
	e.GET("/things/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	for path, want := range map[string]int{"/panic": 500, "/things/1": 204, "/things/a%00b": 404, "/things/1?x=%ff": 422} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if w.Code != want || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: got %d %v", path, w.Code, w.Header())
		}
	}
	if len(seen) != 4 {
		t.Errorf("counted %v", seen)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/things/1", http.NoBody))
	if w.Code != 204 || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("OPTIONS: got %d %v", w.Code, w.Header())
	}
}

// Every request has one line, which its id finds: reads at level debug, changes at
// info, and failures of ours at warn.
func TestObserve_LogsOneLineARequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		middleware.Failed(c, err)
		_ = middleware.WriteProblem(c, err)
	}
	var seen requests
	e.Use(middleware.Observe(&seen, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	caller := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set("caller", &accept.Caller{Key: account.Key{ID: 7}})
			return next(c)
		}
	}
	e.POST("/things/:id", func(echo.Context) error { return dispatch.InvalidField("/to", "is required") }, caller)
	e.GET("/things/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.PUT("/things/:id", func(c echo.Context) error {
		c.Set("caller", &accept.Caller{Key: account.Key{ID: -7}, User: &accept.User{ID: "u1", Email: "ada@example.com"}})
		return c.NoContent(http.StatusNoContent)
	})
	id := dispatch.NewID()
	e.POST("/messages", func(c echo.Context) error {
		middleware.Names(c, id)
		middleware.Names(c, dispatch.NoID)
		return c.NoContent(http.StatusAccepted)
	}, caller)
	e.GET("/broken", func(echo.Context) error { return &dispatch.Error{Code: dispatch.Overloaded} })
	e.POST("/callbacks/:provider", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	for _, c := range []struct{ method, path, level, rest string }{
		{"POST", "/things/123", "INFO", "method=POST route=/things/:id status=422 key_id=7 code=validation_failed"},
		{"PUT", "/things/123", "INFO", "method=PUT route=/things/:id status=204 user_id=u1"},
		{"GET", "/things/123", "DEBUG", "method=GET route=/things/:id status=204"},
		{"POST", "/messages", "INFO", "method=POST route=/messages status=202 key_id=7 message_id=" + id.String()},
		{"GET", "/broken", "WARN", "method=GET route=/broken status=503 code=overloaded"},
		{"POST", "/callbacks/meta", "DEBUG", "method=POST route=/callbacks/:provider status=200"},
	} {
		out.Reset()
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, http.NoBody))
		want := "level=" + c.level + " msg=request request_id=" + w.Header().Get("X-Request-Id") + " " + c.rest
		_, got, _ := strings.Cut(out.String(), " ")
		if got, ms, _ := strings.Cut(got, " ms="); got != want || !strings.HasSuffix(ms, "\n") {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, got, want)
		}
	}
}

// keys is a registry of one key.
type keys struct {
	key     account.Key
	account account.Account
	err     error
	calls   map[int64]int64
}

func (k *keys) Key(context.Context, [32]byte) (account.Key, error) { return k.key, k.err }

func (k *keys) Account(context.Context, int64) (account.Account, error) { return k.account, nil }

func (k *keys) AddCalls(_ context.Context, counts map[int64]int64) error {
	for id, n := range counts {
		k.calls[id] += n
	}
	return nil
}

func TestAuth_Reasons(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-time.Second)
	live := account.Key{ID: 3, Active: true, Permissions: []string{"send_text"}}
	with := func(change func(*account.Key)) account.Key { k := live; change(&k); return k }
	secret := auth.Generate(false)
	for name, c := range map[string]struct {
		secret string
		keys   keys
		code   dispatch.Code
		reason string
	}{
		"accepted":  {secret: secret, keys: keys{key: live}},
		"missing":   {code: dispatch.Unauthorized, reason: "missing"},
		"not a key": {secret: "x", code: dispatch.Unauthorized, reason: "unknown"},
		"unknown":   {secret: secret, keys: keys{err: dispatch.ErrNotFound}, code: dispatch.Unauthorized, reason: "unknown"},
		"other kind": {
			secret: secret, keys: keys{key: with(func(k *account.Key) { k.Test = true })},
			code: dispatch.Unauthorized, reason: "unknown",
		},
		"inactive": {
			secret: secret, keys: keys{key: with(func(k *account.Key) { k.Active = false })},
			code: dispatch.Unauthorized, reason: "inactive",
		},
		"expired": {
			secret: secret, keys: keys{key: with(func(k *account.Key) { k.ExpiresAt = &past })},
			code: dispatch.Unauthorized, reason: "expired",
		},
		"account disabled": {
			secret: secret, keys: keys{key: live, account: account.Account{DisabledAt: &past}},
			code: dispatch.Unauthorized, reason: "inactive",
		},
		"no database": {secret: secret, keys: keys{err: errors.New("down")}, code: dispatch.Overloaded},
	} {
		who, err := middleware.NewAuth(&c.keys, &c.keys, nil, slog.New(slog.DiscardHandler)).Check(t.Context(), c.secret)
		e := dispatch.AsError(err)
		if err == nil && (c.code != "" || who.Key.ID != 3) || err != nil && (e.Code != c.code || e.Reason != c.reason) {
			t.Errorf("%s: got %v, %v", name, who, err)
		}
	}
}

func TestAuth_Run_WritesCallsWhenItEnds(t *testing.T) {
	t.Parallel()
	k := &keys{key: account.Key{ID: 3, Active: true}, calls: map[int64]int64{}}
	a := middleware.NewAuth(k, k, nil, slog.New(slog.DiscardHandler))
	for range 2 {
		if _, err := a.Authenticate(t.Context(), auth.Generate(false)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Authenticate(t.Context(), ""); err == nil {
		t.Fatal("no key was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Run(ctx)
	if diff := cmp.Diff(map[int64]int64{3: 2}, k.calls); diff != "" {
		t.Error(diff)
	}
}

// limiter answers with one decision and keeps what it was asked.
type limiter struct {
	answer limit.Decision
	err    error
	asked  []limit.Spend

	returned int
}

func (l *limiter) Spend(_ context.Context, s limit.Spend) (limit.Decision, error) {
	l.asked = append(l.asked, s)
	return l.answer, l.err
}

func (l *limiter) Return(_ context.Context, ask limit.Spend, _ int64) (limit.Decision, error) {
	l.returned += ask.N
	return l.answer, l.err
}

func TestLimits_Refusals(t *testing.T) {
	t.Parallel()
	who := &accept.Caller{Key: account.Key{ID: 3, PerSecond: 1, PerMinute: 2, PerDay: 4}}
	refused := &limiter{answer: limit.Decision{Why: limit.Day, RetryAfter: 1500 * time.Millisecond}}
	c, _ := request("POST", "/", "")
	err := middleware.NewLimits(refused).Spend(c, who, 0, false)
	if e := dispatch.AsError(err); e.Code != dispatch.DailyLimited || e.RetryAfter != 2 {
		t.Errorf("got %v, retry after %d", err, e.RetryAfter)
	}
	cause := dispatch.InvalidField("/to", "is required")
	if err := middleware.NewLimits(refused).SpendRefused(c, who, cause); dispatch.CodeOf(err) != dispatch.DailyLimited {
		t.Errorf("a refused request beyond the limit: got %v", err)
	}
	allowed := &limiter{answer: limit.Decision{Allowed: true}}
	if err := middleware.NewLimits(allowed).SpendRefused(c, who, cause); !errors.Is(err, cause) {
		t.Errorf("a refused request: got %v", err)
	}
	if err := middleware.NewLimits(allowed).Refuse(c, who, 2, 1, cause); !errors.Is(err, cause) || allowed.returned != 2 {
		t.Errorf("refused after it was spent: got %v, %d taken out of the day", err, allowed.returned)
	}
	lost := &dispatch.Error{Code: dispatch.OutcomeUnknown}
	if err := middleware.NewLimits(allowed).Refuse(c, who, 2, 1, lost); !errors.Is(err, lost) || allowed.returned != 2 {
		t.Errorf("may have been accepted: got %v, %d taken out of the day", err, allowed.returned)
	}
	if err := middleware.NewLimits(&limiter{err: errors.New("down")}).Spend(c, who, 1, true); dispatch.CodeOf(err) != dispatch.Overloaded {
		t.Errorf("without a limiter: got %v", err)
	}
	if err := middleware.NewLimits(allowed).SpendRepeat(c, who); err != nil {
		t.Fatal(err)
	}
	want := []limit.Spend{
		{Key: 3, N: 1, NoDay: true, PerSecond: 1, PerMinute: 2, PerDay: 4},
		{Key: 3, N: 1, Read: true, PerSecond: 1, PerMinute: 2}, // no daily limit
	}
	if diff := cmp.Diff(want, allowed.asked); diff != "" {
		t.Error(diff)
	}
}
