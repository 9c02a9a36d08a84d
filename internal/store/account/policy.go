package account

import (
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// policyJSON is how a policy is stored: only what differs from the provider's
// default. Durations are seconds.
type policyJSON struct {
	Rate             *float64         `json:"rate,omitempty"`
	Concurrency      *int             `json:"concurrency,omitempty"`
	RecipientSpacing *float64         `json:"recipient_spacing_s,omitempty"`
	MaxAttempts      *int             `json:"max_attempts,omitempty"`
	MaxAge           *float64         `json:"max_age_s,omitempty"`
	BackoffBase      *float64         `json:"backoff_base_s,omitempty"`
	BackoffCap       *float64         `json:"backoff_cap_s,omitempty"`
	ResolveWindow    []float64        `json:"resolve_window_s,omitempty"`
	UnknownRetries   []int            `json:"unknown_retries,omitempty"`
	Price            map[string]int64 `json:"price,omitempty"`
	Portfolio        string           `json:"portfolio,omitempty"`
	MessagingLimit   int              `json:"messaging_limit,omitempty"`
	MessagingReserve *float64         `json:"messaging_reserve,omitempty"`
}

func seconds(d time.Duration) *float64 { s := d.Seconds(); return &s }

func encodePolicy(p dispatch.Policy) policyJSON {
	return policyJSON{
		Rate: &p.Rate, Concurrency: &p.Concurrency, RecipientSpacing: seconds(p.RecipientSpacing), MaxAttempts: &p.MaxAttempts,
		MaxAge:      seconds(p.MaxAge),
		BackoffBase: seconds(p.BackoffBase), BackoffCap: seconds(p.BackoffCap),
		ResolveWindow:  []float64{p.ResolveWindow[0].Seconds(), p.ResolveWindow[1].Seconds(), p.ResolveWindow[2].Seconds()},
		UnknownRetries: p.UnknownRetries[:], Price: p.Price,
		Portfolio: p.Portfolio, MessagingLimit: p.MessagingLimit, MessagingReserve: &p.MessagingReserve,
	}
}

func (j policyJSON) policy(provider string) dispatch.Policy {
	p := dispatch.DefaultPolicy()
	set := func(d *time.Duration, s *float64) {
		if s != nil {
			*d = time.Duration(*s * float64(time.Second))
		}
	}
	if j.Rate != nil {
		p.Rate = *j.Rate
	}
	if j.Concurrency != nil {
		p.Concurrency = *j.Concurrency
	}
	if j.MaxAttempts != nil {
		p.MaxAttempts = *j.MaxAttempts
	}
	set(&p.RecipientSpacing, j.RecipientSpacing)
	set(&p.MaxAge, j.MaxAge)
	set(&p.BackoffBase, j.BackoffBase)
	set(&p.BackoffCap, j.BackoffCap)
	for i := range min(3, len(j.ResolveWindow)) {
		set(&p.ResolveWindow[i], &j.ResolveWindow[i])
	}
	for i := range min(3, len(j.UnknownRetries)) {
		p.UnknownRetries[i] = j.UnknownRetries[i]
	}
	p.Price, p.Portfolio, p.MessagingLimit = j.Price, j.Portfolio, j.MessagingLimit
	if j.MessagingReserve != nil {
		p.MessagingReserve = *j.MessagingReserve
	}
	return p
}
