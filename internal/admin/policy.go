package admin

import (
	"maps"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// defaultPrice names the price of messages without a price for their category,
// which has the key "" in a dispatch.Policy.
const defaultPrice = "default"

// PolicyUpdate changes how a channel is sent through. Fields that are nil stay
// as they are.
type PolicyUpdate struct {
	Rate             *float64                 `json:"rate,omitempty" minimum:"0.01" maximum:"100000"`
	Concurrency      *int                     `json:"concurrency,omitempty" minimum:"1" maximum:"10000" doc:"Concurrent calls of each worker."`
	RecipientSpacing *float64                 `json:"recipient_spacing_s,omitempty" minimum:"0" maximum:"86400"`
	MaxAttempts      *int                     `json:"max_attempts,omitempty" minimum:"1" maximum:"100"`
	MaxAge           *float64                 `json:"max_age_s,omitempty" minimum:"0" maximum:"2592000"`
	BackoffBase      *float64                 `json:"backoff_base_s,omitempty" minimum:"0.01" maximum:"3600"`
	BackoffCap       *float64                 `json:"backoff_cap_s,omitempty" minimum:"0.01" maximum:"86400"`
	ResolveWindow    *ResolveWindows          `json:"resolve_window_s,omitempty"`
	UnknownRetries   *UnknownRetries          `json:"unknown_retries,omitempty"`
	Price            map[string]input.Credits `json:"price,omitempty"`
	Portfolio        *string                  `json:"portfolio,omitempty" maxLength:"64"`
	MessagingLimit   *int                     `json:"messaging_limit,omitempty" minimum:"-1" maximum:"100000000"`
	MessagingReserve *float64                 `json:"messaging_reserve,omitempty" minimum:"0" maximum:"1"`
}

// Docs describes the fields whose names do not.
func (*PolicyUpdate) Docs() map[string]string {
	return map[string]string{
		"rate":                "Messages per second, over all workers.",
		"recipient_spacing_s": "Seconds between two messages to the same recipient.",
		"max_age_s":           "A message is not retried when it has been due for so many seconds; 0: until it expires.",
		"backoff_base_s":      "Seconds before the first retry, doubled for each further one.",
		"backoff_cap_s":       "The most seconds before a retry.",
		"resolve_window_s":    "Seconds for which an unknown outcome waits for a callback, by lane.",
		"unknown_retries":     "How often a message with an unknown outcome is sent again, by lane.",
		"price":               "Credits per message by template category (authentication, utility, marketing) and default. Replaces all prices.",
		"portfolio":           "Channels of one provider with the same name share a messaging limit.",
		"messaging_limit": "Unique users outside conversation windows in a moving 24 hours, as the provider reports it; -1: unlimited, 0: not " +
			"known. " +
			"Campaigns spread over days to keep within it.",
		"messaging_reserve": "Share of the messaging limit, from 0 to 1, that campaigns leave to other messages.",
	}
}

// ResolveWindows are seconds by lane.
type ResolveWindows struct {
	OTP    *float64 `json:"otp,omitempty" minimum:"0" maximum:"86400"`
	Normal *float64 `json:"normal,omitempty" minimum:"0" maximum:"86400"`
	Bulk   *float64 `json:"bulk,omitempty" minimum:"0" maximum:"86400"`
}

// UnknownRetries are counts by lane.
type UnknownRetries struct {
	OTP    *int `json:"otp,omitempty" minimum:"0" maximum:"10"`
	Normal *int `json:"normal,omitempty" minimum:"0" maximum:"10"`
	Bulk   *int `json:"bulk,omitempty" minimum:"0" maximum:"10"`
}

// Policy is how a channel is sent through. Times are seconds.
type Policy struct {
	Rate             float64                  `json:"rate"`
	Concurrency      int                      `json:"concurrency"`
	RecipientSpacing float64                  `json:"recipient_spacing_s"`
	MaxAttempts      int                      `json:"max_attempts"`
	MaxAge           float64                  `json:"max_age_s"`
	BackoffBase      float64                  `json:"backoff_base_s"`
	BackoffCap       float64                  `json:"backoff_cap_s"`
	ResolveWindow    ByLane[float64]          `json:"resolve_window_s"`
	UnknownRetries   ByLane[int]              `json:"unknown_retries"`
	Price            map[string]input.Credits `json:"price"`
	Portfolio        string                   `json:"portfolio"`
	MessagingLimit   int                      `json:"messaging_limit"`
	MessagingReserve float64                  `json:"messaging_reserve"`
}

// ByLane is a value for each lane.
type ByLane[T any] struct {
	OTP    T `json:"otp"`
	Normal T `json:"normal"`
	Bulk   T `json:"bulk"`
}

func viewPolicy(p *dispatch.Policy) Policy {
	w, u := p.ResolveWindow, p.UnknownRetries
	v := Policy{
		Rate: p.Rate, Concurrency: p.Concurrency, RecipientSpacing: p.RecipientSpacing.Seconds(),
		MaxAttempts: p.MaxAttempts, MaxAge: p.MaxAge.Seconds(),
		BackoffBase: p.BackoffBase.Seconds(), BackoffCap: p.BackoffCap.Seconds(),
		ResolveWindow:  ByLane[float64]{w[dispatch.OTP].Seconds(), w[dispatch.Normal].Seconds(), w[dispatch.Bulk].Seconds()},
		UnknownRetries: ByLane[int]{u[dispatch.OTP], u[dispatch.Normal], u[dispatch.Bulk]},
		Price:          map[string]input.Credits{},
		Portfolio:      p.Portfolio, MessagingLimit: p.MessagingLimit, MessagingReserve: p.MessagingReserve,
	}
	for category, price := range p.Price {
		if category == "" {
			category = defaultPrice
		}
		v.Price[category] = input.Credits(price)
	}
	return v
}

// apply changes p.
func (in *PolicyUpdate) apply(p *dispatch.Policy, f *dispatch.Faults) {
	set(&p.Rate, in.Rate)
	set(&p.Concurrency, in.Concurrency)
	set(&p.Portfolio, in.Portfolio)
	set(&p.MessagingLimit, in.MessagingLimit)
	set(&p.MessagingReserve, in.MessagingReserve)
	set(&p.MaxAttempts, in.MaxAttempts)
	setSeconds(&p.RecipientSpacing, in.RecipientSpacing)
	setSeconds(&p.MaxAge, in.MaxAge)
	setSeconds(&p.BackoffBase, in.BackoffBase)
	setSeconds(&p.BackoffCap, in.BackoffCap)
	if p.BackoffCap < p.BackoffBase {
		f.AddWith([]string{"/policy/backoff_base_s"}, "/policy/backoff_cap_s", "must not be less than backoff_base_s")
	}
	if w := in.ResolveWindow; w != nil {
		setSeconds(&p.ResolveWindow[dispatch.OTP], w.OTP)
		setSeconds(&p.ResolveWindow[dispatch.Normal], w.Normal)
		setSeconds(&p.ResolveWindow[dispatch.Bulk], w.Bulk)
	}
	if u := in.UnknownRetries; u != nil {
		set(&p.UnknownRetries[dispatch.OTP], u.OTP)
		set(&p.UnknownRetries[dispatch.Normal], u.Normal)
		set(&p.UnknownRetries[dispatch.Bulk], u.Bulk)
	}
	if in.Price != nil {
		p.Price = prices(f, in.Price)
	}
}

// prices returns the prices by category in millionths.
func prices(f *dispatch.Faults, given map[string]input.Credits) map[string]int64 {
	out := map[string]int64{}
	for _, category := range slices.Sorted(maps.Keys(given)) {
		price, at := given[category], dispatch.Pointer("/policy/price", category)
		switch category {
		case defaultPrice:
			category = ""
		case "authentication", "utility", "marketing":
		default:
			f.Add(at, "must be default, authentication, utility or marketing")
		}
		if price < 0 {
			f.Add(at, "must not be negative")
		}
		out[category] = int64(price)
	}
	return out
}

// setSeconds changes d to so many seconds, unless s is nil.
func setSeconds(d *time.Duration, s *float64) {
	if s != nil {
		*d = time.Duration(*s * float64(time.Second))
	}
}
