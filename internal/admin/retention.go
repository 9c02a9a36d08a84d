package admin

import "github.com/sendoff/sendoff/internal/dispatch/keep"

// Retention is how many days each kind of record is kept.
type Retention struct {
	Messages   int `json:"messages"`
	Events     int `json:"events"`
	Attempts   int `json:"attempts"`
	Deliveries int `json:"webhook_deliveries"`
	Audit      int `json:"audit_log"`
	Inbound    int `json:"inbound"`
}

func viewRetention(d keep.Days) Retention { return Retention(d.Effective()) }

// redactDays returns the days of a setting, or 0 without one.
func redactDays(days *int) int {
	if days == nil {
		return 0
	}
	return *days
}

// RetentionUpdate has the days that are to change.
type RetentionUpdate struct {
	Messages   *int `json:"messages,omitempty" minimum:"1" maximum:"3650"`
	Events     *int `json:"events,omitempty" minimum:"1" maximum:"3650"`
	Attempts   *int `json:"attempts,omitempty" minimum:"1" maximum:"3650"`
	Deliveries *int `json:"webhook_deliveries,omitempty" minimum:"1" maximum:"3650"`
	Audit      *int `json:"audit_log,omitempty" minimum:"1" maximum:"3650"`
	Inbound    *int `json:"inbound,omitempty" minimum:"1" maximum:"3650"`
}

// apply changes into by what is given.
func (u *RetentionUpdate) apply(into *keep.Days) {
	if u == nil {
		return
	}
	set(&into.Messages, u.Messages)
	set(&into.Events, u.Events)
	set(&into.Attempts, u.Attempts)
	set(&into.Deliveries, u.Deliveries)
	set(&into.Audit, u.Audit)
	set(&into.Inbound, u.Inbound)
}
