package limit

import (
	"sync"
	"time"
)

// The retry budget: a token for every ten successes and one each
// second, so that a provider which refuses everything sees a trickle of
// retries and not each message many times.
const (
	budgetCap        = 100
	budgetPerSuccess = 0.1
	budgetPerSecond  = 1
)

// RetryBudget bounds the retries of each channel in this process. First tries
// never ask it.
type RetryBudget struct {
	mu  sync.Mutex
	by  map[int64]*tokens
	now func() time.Time
	// Most returns the number of tokens that a channel may save; nil: 100. A fast channel
	// needs more to ride out a short outage.
	Most func(ch int64) float64
}

type tokens struct {
	n  float64
	at time.Time
}

// NewRetryBudget returns a budget that is full for every channel.
func NewRetryBudget() *RetryBudget {
	return &RetryBudget{by: map[int64]*tokens{}, now: time.Now}
}

// Success adds the tokens of n messages that the provider accepted.
func (b *RetryBudget) Success(ch int64, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens(ch)
	t.n = min(b.most(ch), t.n+float64(n)*budgetPerSuccess)
}

// Take returns how many of n retries may be sent now. The others wait: wait is
// the longest time until the next token.
func (b *RetryBudget) Take(ch int64, n int) (got int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens(ch)
	got = min(n, int(t.n))
	t.n -= float64(got)
	if got < n {
		wait = time.Duration((1 - t.n) / budgetPerSecond * float64(time.Second))
	}
	return got, wait
}

// tokens refills and returns a channel's bucket; the caller holds mu.
func (b *RetryBudget) tokens(ch int64) *tokens {
	now := b.now()
	t, ok := b.by[ch]
	if !ok {
		t = &tokens{n: b.most(ch), at: now}
		b.by[ch] = t
	}
	t.n = min(b.most(ch), t.n+now.Sub(t.at).Seconds()*budgetPerSecond)
	t.at = now
	return t
}

func (b *RetryBudget) most(ch int64) float64 {
	if b.Most == nil {
		return budgetCap
	}
	return b.Most(ch)
}
