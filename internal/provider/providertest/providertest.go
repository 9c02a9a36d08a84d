// Package providertest is the one contract suite that every provider client
// passes. A Case holds the vendor's wording, the suite the expected results.
package providertest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// Case is one provider (and kind of channel) under test.
type Case struct {
	New     func(*outbound.Client) provider.Provider
	Channel func(baseURL string) *dispatch.Channel
	Message func() *dispatch.Message // one that the channel can send
	// Accepted is the provider's yes, and AcceptedID the id in it.
	Accepted   Reply
	AcceptedID string
	// EmptyAccepted reports that an answer without a body is a yes too.
	EmptyAccepted bool
	// Errors is the provider's own table, each entry with a body as its
	// contract has it.
	Errors []Refusal
	// Quoting makes a refusal whose text repeats what the client sent.
	Quoting func(text string) Reply
	// Requests are golden: what a message becomes on the wire.
	Requests []Request
	// Callbacks are golden: what a callback's body means.
	Callbacks []Callback
	// Sign makes the request of a callback as the provider signs it. Nil for a
	// provider that signs nothing.
	Sign func(ch *dispatch.Channel, url string, body []byte) *http.Request
	// ContentType of callbacks; default application/json.
	ContentType string
}

// Reply is an answer of the provider.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Refusal is an answer and what it must be read as.
type Refusal struct {
	Name string // default: the code
	Reply
	Kind       provider.Kind
	Scope      provider.Scope
	Code       dispatch.ErrorCode
	Provider   string // the provider's code
	RetryAfter time.Duration
	Suppress   bool
}

// Callback is a body and what it must be read as. Times that the body doesn't
// hold are left out by the zero At.
type Callback struct {
	Name string
	Body string
	Want provider.Callback
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	if c.ContentType == "" {
		c.ContentType = "application/json"
	}
	client := outbound.New(outbound.Options{DialTimeout: time.Second})
	p := c.New(client)
	t.Run("calls", func(t *testing.T) { // returns when all its parallel parts have
		t.Run("accepted", func(t *testing.T) { testAccepted(t, c, p) })
		t.Run("odd yes", func(t *testing.T) { testOddYes(t, c, p) })
		t.Run("odd no", func(t *testing.T) { testOddNo(t, c, p) })
		t.Run("reasons", func(t *testing.T) { testReasons(t, c, p) })
		t.Run("status", func(t *testing.T) { testStatuses(t, c, p) })
		t.Run("refused", func(t *testing.T) { testRefusals(t, c, p) })
		t.Run("body", func(t *testing.T) { testBodies(t, c, p) })
		t.Run("network", func(t *testing.T) { testNetwork(t, c, p) })
		t.Run("retry-after", func(t *testing.T) { testRetryAfter(t, c, p) })
		t.Run("redirect", func(t *testing.T) { testRedirects(t, c, p) })
		t.Run("secrets", func(t *testing.T) { testSecrets(t, c, p) })
		t.Run("inside", func(t *testing.T) { testInside(t, c) })
		t.Run("requests", func(t *testing.T) { testRequests(t, c, p) })
		t.Run("callbacks", func(t *testing.T) { testCallbacks(t, c, p) })
	})
	client.CloseIdleConnections()
	noLeak(t)
}

// serve starts a vendor that answers with h.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// reply answers every request with r.
func reply(r Reply) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		maps.Copy(w.Header(), r.Header)
		w.WriteHeader(r.Status)
		_, _ = w.Write([]byte(r.Body))
	}
}

// refused checks an error's kind, and that it holds no secret of the channel.
func refused(t *testing.T, ch *dispatch.Channel, err error, want provider.Kind) {
	t.Helper()
	e := provider.AsError(err)
	switch {
	case err == nil:
		t.Fatalf("accepted, want %s", want)
	case e.Kind != want:
		t.Fatalf("got %s (%v), want %s", e.Kind, err, want)
	case e.Msg == "" || e.Code == "":
		t.Errorf("error without text or code: %+v", e)
	}
	noSecret(t, ch, err.Error())
	noSecret(t, ch, e.Msg)
}
