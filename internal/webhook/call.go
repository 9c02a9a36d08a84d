package webhook

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/address"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/storable"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// try is one call of a delivery.
type try struct {
	d     *hookstore.Delivery
	began time.Time
	took  time.Duration
	res   outbound.Response
	err   error
	cut   bool // by our own stop: it counts for nothing
}

// call makes one try of a delivery.
func (d *Deliverer) call(ctx context.Context, t *hookstore.Turn, v *hookstore.Delivery) try {
	out := try{d: v, began: time.Now()}
	out.res, out.err = d.post(ctx, t, v)
	out.took = time.Since(out.began)
	out.cut = out.err != nil && ctx.Err() != nil
	if d.Tracer != nil && !out.cut {
		d.Tracer.Called(t.Webhook, v, out.began, out.res.Status)
	}
	return out
}

// judge returns what becomes of a delivery that was called, and of its endpoint.
func (t *turn) judge(c *try) hookstore.TryResult {
	status := c.res.Status
	out := hookstore.TryResult{
		ID: c.d.ID, Attempts: c.d.Attempts, Response: plain(c.res.Body),
		Try: hookstore.Try{At: c.began.UTC(), Status: status, LatencyMS: c.took.Milliseconds()},
	}
	if c.err == nil && status/100 == 2 {
		out.State = hookstore.Delivered
		t.succeeded()
		return out
	}
	if c.err != nil {
		out.Try.Error = explain(c.err)
	}
	retryAfter := provider.RetryAfter(c.res.Header(), time.Now())
	var again bool
	out.Delay, again = t.d.waitAfter(c.d.Attempts, retryAfter)
	if !again || status == http.StatusGone && t.t.Implicit {
		out.State = hookstore.Failed
	}
	t.failed(status, retryAfter, out.State == hookstore.Failed)
	return out
}

// succeeded counts a call that was answered well: an endpoint that keeps up gets
// more calls at once.
func (t *turn) succeeded() {
	t.d.Observer.WebhookTried("delivered")
	t.failures = 0
	t.wake, t.probing = t.wake || t.probing, false
	if t.limit == maxConcurrency {
		return
	}
	if t.d.extra.Add(1) > maxExtra {
		t.d.extra.Add(-1)
		return
	}
	t.limit++
}

// failed counts a call that was not. No other call is started when the endpoint is
// gone, asked for a pause or has opened its breaker.
func (t *turn) failed(status int, retryAfter time.Duration, last bool) {
	t.d.Observer.WebhookTried(map[bool]string{true: "failed", false: "retried"}[last])
	t.failures++
	t.slowDown()
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		t.asked = max(t.asked, min(retryAfter, holdAsked))
	case http.StatusGone:
		t.gone = !t.t.Implicit
	}
	t.stopped = t.stopped || t.gone || t.asked > 0 || t.failures >= trip
}

// slowDown returns the calls that an endpoint got beyond concurrency.
func (t *turn) slowDown() {
	t.d.extra.Add(int64(concurrency - t.limit))
	t.limit = concurrency
}

// post sends one delivery. Its bytes and its webhook-id are the same at every
// try, its timestamp and signature are new.
func (d *Deliverer) post(ctx context.Context, t *hookstore.Turn, v *hookstore.Delivery) (outbound.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	url, err := address.Normal(cmp.Or(v.URL, t.URL))
	if err != nil {
		return outbound.Response{}, errAddress
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(v.Payload))
	if err != nil {
		return outbound.Response{}, errAddress
	}
	seen := req.URL.Scheme + "://" + req.URL.Host + req.URL.RequestURI() // as the receiver sees it
	for name, value := range t.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", "Sendoff-Webhooks/1.0")
	if d.Tracer != nil {
		setTrace(req.Header, d.Tracer, v)
	}
	if err := sign(req.Header, v.Format, seen, t.Secret, t.Olds.Valid(time.Now()), v.ID.String(), d.Now(), v.Payload); err != nil {
		return outbound.Response{}, err
	}
	return d.Client.Do(ctx, req)
}

// plain is the beginning of an answer as text that Postgres takes.
func plain(b []byte) string {
	return storable.Cut(string(b), excerpt)
}

// setTrace sets the trace context of a call: the client's tracestate belongs to the
// traceparent of its trace alone.
func setTrace(h http.Header, t Tracer, v *hookstore.Delivery) {
	parent, state := t.Header(v)
	if parent == "" {
		return
	}
	h.Set("Traceparent", parent)
	if h.Del("Tracestate"); state != "" {
		h.Set("Tracestate", state)
	}
}
