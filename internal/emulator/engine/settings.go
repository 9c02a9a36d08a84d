package engine

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Settings change how the emulator behaves, at run time.
type Settings struct {
	LatencyMS int     `json:"latency_ms"`    // of every answer
	RateLimit float64 `json:"rate_limit"`    // sends per second and channel; 0: none. Above it, the provider's own 429
	ErrorRate float64 `json:"error_rate"`    // share of sends answered with the provider's 500, not accepted
	Throttle  float64 `json:"throttle_rate"` // share answered with 429
	Timeout   float64 `json:"timeout_rate"`  // share accepted but never answered
	Reset     float64 `json:"reset_rate"`    // share whose connection is reset, not accepted

	Callbacks       bool `json:"callbacks"`         // make any
	CallbackDelayMS int  `json:"callback_delay_ms"` // from the answer to the first, and between them
	CallbackBatch   int  `json:"callback_batch"`    // most statuses in one callback, where the provider batches

	Record bool `json:"record"` // keep requests, not only their counts
}

// DefaultSettings answer at once and call back after 50 ms.
func DefaultSettings() Settings {
	return Settings{Callbacks: true, CallbackDelayMS: 50, CallbackBatch: 1, Record: true}
}

// check refuses values that make no sense.
func (st *Settings) check() error {
	if st.LatencyMS < 0 || st.CallbackDelayMS < 0 || st.RateLimit < 0 {
		return errors.New("latency_ms, callback_delay_ms and rate_limit can't be negative")
	}
	if st.CallbackBatch < 1 {
		return errors.New("callback_batch must be at least 1")
	}
	sum := 0.0
	for name, share := range map[string]float64{
		"error_rate": st.ErrorRate, "throttle_rate": st.Throttle, "timeout_rate": st.Timeout, "reset_rate": st.Reset,
	} {
		if share < 0 || share > 1 {
			return fmt.Errorf("%s must be from 0 to 1", name)
		}
		sum += share
	}
	if sum > 1 {
		return errors.New("the shares add up to more than 1")
	}
	return nil
}

func (st *Settings) latency() time.Duration { return time.Duration(st.LatencyMS) * time.Millisecond }

func (st *Settings) delay() time.Duration {
	return time.Duration(st.CallbackDelayMS) * time.Millisecond
}

// chance returns the outcome of a number from 0 to 1 by the shares.
func (st *Settings) chance(x float64) Outcome {
	for _, share := range [...]struct {
		of float64
		o  Outcome
	}{{st.ErrorRate, Failing}, {st.Throttle, Throttled}, {st.Timeout, silent}, {st.Reset, cut}} {
		if x < share.of {
			return share.o
		}
		x -= share.of
	}
	return Accepted
}

// limiter holds each channel to a rate: as many at once as a second allows, and
// no more in the long run.
type limiter struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func (l *limiter) allow(channel string, rate float64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets == nil {
		l.buckets = make(map[string]*bucket)
	}
	burst := max(rate, 1)
	b := l.buckets[channel]
	if b == nil {
		b = &bucket{tokens: burst, at: now}
		l.buckets[channel] = b
	}
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*rate)
	if now.After(b.at) {
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
