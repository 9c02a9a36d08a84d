package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxProblem bounds what is read of an answer that is an error, in bytes.
const maxProblem = 1 << 20

// Problem is an answer of the API that is an error (RFC 9457).
type Problem struct {
	Type      string          `json:"type,omitempty"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail"`
	Code      string          `json:"code"` // such as validation_failed
	Errors    []Fault         `json:"errors,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	More      json.RawMessage `json:"more,omitempty"`
	Path      string          `json:"-"` // of the request
}

// Error returns the detail, the status, the code and the fault of each field.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%d %s)", p.Detail, p.Status, p.Code)
	for _, f := range p.Errors {
		fmt.Fprintf(&b, "\n  %s: %s", f.Pointer, f.Detail)
	}
	return b.String()
}

// StatusError is an answer that is an error, but none of Sendoff's API.
type StatusError struct {
	Path   string // of the request
	Status string // such as 502 Bad Gateway
}

// Error names the path and the status.
func (e *StatusError) Error() string {
	return e.Path + " answered " + e.Status + ", not as Sendoff's API does"
}

// problem returns the error of an answer whose status is neither 2xx nor 304, and
// closes its body.
func problem(resp *http.Response) error {
	if resp.StatusCode/100 == 2 || resp.StatusCode == http.StatusNotModified {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	var p Problem
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil || json.Unmarshal(raw, &p) != nil || p.Code == "" {
		return &StatusError{resp.Request.URL.Path, resp.Status}
	}
	p.Status, p.Path = resp.StatusCode, resp.Request.URL.Path
	return &p
}
