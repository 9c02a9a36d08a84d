package webhook

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/address"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/storable"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// round is the state of a turn.
type round struct {
	d   *Deliverer
	t   *hookstore.Turn
	end time.Time

	mu       sync.Mutex
	failures int
	asked    time.Duration // Retry-After of a 429 or 503
	gone     bool          // 410
	tries    []hookstore.TryResult
}

// over reports whether no further call of a batch is to be started: the endpoint is
// gone, asked for a pause, opened its breaker (which a probe, a batch of one,
// finds open), or its time is over.
func (r *round) over(batch int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone || r.asked > 0 || batch > 1 && r.failures >= trip || time.Now().After(r.end)
}

func (r *round) take() []hookstore.TryResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.tries
	r.tries = nil
	return out
}

// run makes the calls of one batch, at most four at once.
func (r *round) run(ctx context.Context, due []hookstore.Delivery) {
	next := make(chan []hookstore.Delivery)
	var wg sync.WaitGroup
	for range min(concurrency, len(due)) {
		wg.Go(func() {
			for chain := range next {
				for i := range chain {
					r.one(ctx, &chain[i], len(due))
				}
			}
		})
	}
	for _, chain := range byMessage(due) {
		next <- chain
	}
	close(next)
	wg.Wait()
}

// one makes one try, unless the turn must end; of is the size of its page.
func (r *round) one(ctx context.Context, d *hookstore.Delivery, of int) {
	if ctx.Err() != nil || r.over(of) {
		return
	}
	if tried, ok := r.call(ctx, d); ok {
		r.mu.Lock()
		r.tries = append(r.tries, tried)
		r.mu.Unlock()
	}
}

// byMessage returns the deliveries of each message in their sequence: those of one
// message are sent one after another, or they would overtake each other.
func byMessage(due []hookstore.Delivery) [][]hookstore.Delivery {
	at := map[dispatch.ID]int{}
	var out [][]hookstore.Delivery
	for i := range due {
		k, ok := at[due[i].Message]
		if !ok || due[i].Message == dispatch.NoID { // of no message
			k = len(out)
			at[due[i].Message], out = k, append(out, nil)
		}
		out[k] = append(out[k], due[i])
	}
	for _, chain := range out {
		slices.SortStableFunc(chain, func(a, b hookstore.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return out
}

// call makes one try; false: it was cut by our own stop and counts for nothing.
func (r *round) call(ctx context.Context, d *hookstore.Delivery) (hookstore.TryResult, bool) {
	began := time.Now()
	res, err := r.d.post(ctx, r.t, d)
	if err != nil && ctx.Err() != nil {
		return hookstore.TryResult{}, false
	}
	if r.d.Tracer != nil {
		r.d.Tracer.Called(r.t.Webhook, d, began, res.Status)
	}
	out := hookstore.TryResult{
		ID: d.ID, Attempts: d.Attempts, Response: plain(res.Body),
		Try: hookstore.Try{At: began.UTC(), Status: res.Status, LatencyMS: time.Since(began).Milliseconds()},
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && res.Status/100 == 2 {
		out.State, r.failures = hookstore.Delivered, 0
		r.d.Observer.WebhookTried("delivered")
		return out, true
	}
	r.failures++
	if err != nil {
		out.Try.Error = explain(err)
	}
	retryAfter := provider.RetryAfter(res.Header, time.Now())
	if res.Status == http.StatusTooManyRequests || res.Status == http.StatusServiceUnavailable {
		r.asked = max(r.asked, min(retryAfter, holdAsked))
	}
	var again bool
	if out.Delay, again = r.d.waitAfter(d.Attempts, retryAfter); !again {
		out.State = hookstore.Failed
	}
	if res.Status == http.StatusGone {
		r.gone = !r.t.Implicit
		if r.t.Implicit {
			out.State = hookstore.Failed
		}
	}
	r.d.Observer.WebhookTried(map[bool]string{true: "failed", false: "retried"}[out.State == hookstore.Failed])
	return out, true
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
		if parent := d.Tracer.Header(v); parent != "" {
			req.Header.Set("Traceparent", parent)
		}
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
