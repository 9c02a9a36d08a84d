package campaign

import (
	"time"

	"github.com/sendoff/sendoff/internal/zone"
)

// Group is the recipients of one set of zones; "" are those without a known
// zone.
type Group struct {
	Zones      zone.Set
	Recipients int
}

// Pace is what holds a campaign back besides the clock.
type Pace struct {
	Rate   float64 // messages a second: the lower of the campaign's and the channel's
	Canary *Canary
	// Budget is how many recipients fit in a moving 24 h (Budget.Usable), less
	// than 1: any number. Used of them are taken at launch, for a day from then.
	Budget int
	Used   int
}

// Hour is how many messages begin in the hour that starts at Hour (UTC).
type Hour struct {
	Hour       time.Time `json:"hour"`
	Recipients int       `json:"recipients"`
}

// Forecast is how a campaign will run if nothing fails.
type Forecast struct {
	Hours    []Hour     `json:"forecast"`
	StartsAt *time.Time `json:"starts_at"` // first and last call; nil: none
	EndsAt   *time.Time `json:"ends_at"`
	// Late counts recipients who miss their first window or their hour, each
	// once, LateBy by what makes them late (hour_gone, rate, canary, budget,
	// expired). With late skip, or when they expire, they get nothing.
	Late   int            `json:"late"`
	LateBy map[string]int `json:"late_by"`
	// Unsent is how many get nothing, those too that a year does not suffice for.
	Unsent int `json:"unsent"`
}

// What makes a recipient late.
const (
	lateHour    = "hour_gone"
	lateRate    = "rate"
	lateCanary  = "canary"
	lateBudget  = "budget"
	lateExpired = "expired"
)

// maxForecast is how far beyond a campaign's first window a forecast looks.
const maxForecast = 366 * 24 * time.Hour

// Forecast returns how a campaign runs that is launched at launch.
//
// Recipients are served in the order in which their windows open; those whose
// windows open together are served evenly, as an audience in no order of zones
// would be. Time moves from event to event, not from message to message, so a
// million recipients cost no more than a hundred.
func (t *Timing) Forecast(launch time.Time, groups []Group, p Pace) Forecast {
	s := &simulation{
		timing: t, pace: p, now: launch, gap: time.Duration(float64(time.Second) / p.Rate),
		hours: map[time.Time]int{}, by: map[string]int{},
	}
	if p.Budget > 0 && p.Used > 0 {
		s.used = append(s.used, batch{at: launch, n: p.Used})
	}
	for _, g := range groups {
		s.admit(g, launch)
	}
	s.limit = s.begin().Add(maxForecast)
	s.run()
	return s.result()
}
