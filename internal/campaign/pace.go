package campaign

import (
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Canary sends a campaign's first messages, waits, and then the rest.
type Canary struct {
	First       int `json:"first"`
	WaitSeconds int `json:"wait_seconds"`
}

// Step is what a gate lets happen.
type Step int

// The steps.
const (
	Go   Step = iota // it may be sent now
	Wait             // not yet
	Stop             // the campaign pauses
)

// Decide returns whether a campaign that has sent n messages may send another.
// last is when the First-th was sent (zero: not yet all of them) and bad
// whether the error rate or a quality signal speaks against it. With Wait comes
// the time to ask again, zero where messages in the air must first settle.
func (c *Canary) Decide(n int, last, now time.Time, bad bool) (Step, time.Time) {
	switch {
	case c == nil || n < c.First:
		return Go, time.Time{}
	case bad:
		return Stop, time.Time{}
	case last.IsZero():
		return Wait, time.Time{}
	}
	if until := last.Add(time.Duration(c.WaitSeconds) * time.Second); now.Before(until) {
		return Wait, until
	}
	return Go, time.Time{}
}

// Cap is how many marketing messages a person gets in so many days.
type Cap struct {
	Messages int `json:"messages"`
	Days     int `json:"days"`
}

// Span is the moving time in which messages count.
func (c *Cap) Span() time.Duration { return time.Duration(c.Days) * 24 * time.Hour }

// Reached reports whether a person who had n marketing messages within Span
// gets no more. Templates of other categories neither count nor are capped.
func (c *Cap) Reached(n int, category string) bool {
	return c != nil && category == "marketing" && n >= c.Messages
}

// Budget is the messaging limit of a group of channels: unique users outside a
// conversation window in a moving 24 h (Meta, per business portfolio).
type Budget struct {
	Limit   int     // -1: unlimited
	Reserve float64 // share kept for normal traffic, 0 to 1
}

// BudgetOf returns the budget of a channel.
func BudgetOf(p *dispatch.Policy) Budget {
	limit := p.MessagingLimit
	if limit == 0 { // not known
		limit = -1
	}
	return Budget{Limit: limit, Reserve: p.MessagingReserve}
}

// Usable returns how many of Limit the traffic of campaigns may use, or -1.
func (b Budget) Usable() int {
	if b.Limit < 0 {
		return -1
	}
	return b.Limit - int(float64(b.Limit)*b.Reserve+0.5)
}

// Fits reports whether another message fits when used users count. It always
// does for one who counts already (counted) or has an open window: those are
// free. Other traffic than campaigns may use the reserve too.
func (b Budget) Fits(used int, counted, window, campaign bool) bool {
	switch {
	case b.Limit < 0, counted, window:
		return true
	case campaign:
		return used < b.Usable()
	}
	return used < b.Limit
}

// The last results that an error rate is taken from, and how few of them it
// is taken over at least: one failure of two is no rate of a half.
const (
	resultsKept  = 200
	resultsLeast = 20
)

// Results are a campaign's last 200 results, oldest first; they are stored as
// their bytes, 0 for success and 1 for failure.
type Results []byte

// Add appends the outcome of newer messages.
func (r Results) Add(failed ...bool) Results {
	for _, f := range failed {
		b := byte(0)
		if f {
			b = 1
		}
		r = append(r, b)
	}
	if over := len(r) - resultsKept; over > 0 {
		r = append(Results(nil), r[over:]...)
	}
	return r
}

// Failures returns how many of them failed.
func (r Results) Failures() int {
	n := 0
	for _, b := range r {
		n += int(b)
	}
	return n
}

// Exceed reports whether their error rate is over limit; a limit of 0 is none.
// Fewer than 20 results count as 20.
func (r Results) Exceed(limit float64) bool {
	return limit > 0 && float64(r.Failures()) > limit*float64(max(len(r), resultsLeast))
}
