package client

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	idempotencyKey = "Idempotency-Key"
	// firstPause is the time before the first repeat; each further one waits twice
	// as long. An answer with Retry-After names the time; one that asks for more than
	// maxPause is not repeated.
	firstPause = 200 * time.Millisecond
	maxPause   = 30 * time.Second
)

// doer sends requests, with an Idempotency-Key where messages are sent, and
// repeats those that may be repeated.
type doer struct {
	http    *http.Client
	retries int
}

// Do sends r. It returns a *Problem for an answer that is an error.
func (d *doer) Do(r *http.Request) (*http.Response, error) {
	if sends(r) && r.Header.Get(idempotencyKey) == "" {
		r.Header.Set(idempotencyKey, uuid.NewString())
	}
	for tries := 0; ; tries++ {
		resp, err := d.http.Do(r)
		wait := pause(resp, tries)
		if tries < d.retries && wait <= maxPause && repeatable(r) && again(resp, err) && rewind(r) {
			if resp != nil {
				_ = resp.Body.Close()
			}
			select {
			case <-time.After(wait):
				continue
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		if err != nil {
			return nil, err
		}
		return resp, problem(resp)
	}
}

// sends reports whether r sends messages: the API then takes an Idempotency-Key.
func sends(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/v1/messages") ||
		strings.HasSuffix(r.URL.Path, "/v1/messages/batch"))
}

// repeatable reports whether a repeat of r does nothing more than r.
func repeatable(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Header.Get(idempotencyKey) != ""
}

// again reports whether the outcome of a request calls for a repeat. A conflict that
// passes is that of a first request with the same key, which is still running.
func again(resp *http.Response, err error) bool {
	if err != nil {
		return true
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	case http.StatusConflict:
		return resp.Header.Get("Retry-After") != ""
	}
	return false
}

// rewind sets the body of r to its begin. It reports false when r has ended or its
// body can't be read again.
func rewind(r *http.Request) bool {
	if r.Context().Err() != nil || (r.Body != nil && r.Body != http.NoBody && r.GetBody == nil) {
		return false
	}
	if r.GetBody == nil {
		return true
	}
	body, err := r.GetBody()
	r.Body = body
	return err == nil
}

// pause returns how long to wait before the next try.
func pause(resp *http.Response, tries int) time.Duration {
	if resp != nil {
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			return time.Duration(s) * time.Second
		}
	}
	return min(firstPause<<min(tries, 10), maxPause)
}
