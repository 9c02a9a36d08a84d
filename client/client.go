// Package client is a Go client of Sendoff's API. Its methods and types are
// generated from the OpenAPI description (make client): one method for each route
// under /v1, as PostMessages for POST /v1/messages, and one with WithResponse
// behind its name that also decodes the answer. Only the dashboard's own routes
// (session, invitations, playground) have none.
//
//	c, err := client.New(client.Options{BaseURL: "https://sendoff.example.com", Key: key})
//	r, err := c.PostMessagesWithResponse(ctx, nil, client.SendRequest{To: "+15550000100", ...})
//	if p, ok := errors.AsType[*client.Problem](err); ok { // the API refused it: p.Code
package client

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// defaultRetries is how often a request is repeated when Options names no number.
const defaultRetries = 2

// answerTime is how long the default HTTP client waits for the head of an answer;
// one that waits for a change of a message (?wait=) comes after at most 30 s.
const answerTime = 60 * time.Second

// Options are the settings of a client.
type Options struct {
	BaseURL   string // address of the API, such as https://sendoff.example.com
	Key       string // an API key, sk_live_... or sk_test_...
	UserAgent string // default: sendoff-go
	// Retries is how often a request is repeated that may be repeated safely: after
	// a lost connection, a 429 or a 503. 0: twice; negative: never.
	Retries int
	HTTP    *http.Client // default: one that waits a minute for the head of an answer
}

// New returns a client. An answer of the API that is an error is returned as a
// *Problem. Requests that send get an Idempotency-Key if they have none, so that a
// repeat sends nothing twice; what changes something without one is never repeated.
// New returns an error if the address or the key is missing or malformed.
func New(o Options) (*ClientWithResponses, error) {
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the base URL must look like https://sendoff.example.com")
	}
	if o.Key == "" {
		return nil, errors.New("an API key is required")
	}
	d := &doer{http: o.HTTP, retries: max(cmp.Or(o.Retries, defaultRetries), 0)}
	if d.http == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = answerTime
		d.http = &http.Client{Transport: t}
	}
	sign := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+o.Key)
		r.Header.Set("User-Agent", cmp.Or(o.UserAgent, "sendoff-go"))
		return nil
	}
	return NewClientWithResponses(strings.TrimRight(o.BaseURL, "/"), WithHTTPClient(d), WithRequestEditorFn(sign))
}
