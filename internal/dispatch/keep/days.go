// Package keep has how long an account keeps its records.
package keep

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// Days are how many days an account keeps each kind of record; 0: as Default says.
// What belongs to a message is kept no longer than the message.
type Days struct {
	Messages   int `json:"messages,omitempty"`
	Events     int `json:"events,omitempty"`
	Attempts   int `json:"attempts,omitempty"`
	Deliveries int `json:"webhook_deliveries,omitempty"`
	Audit      int `json:"audit_log,omitempty"`
	Inbound    int `json:"inbound,omitempty"`
}

// Default holds the days of accounts that set none.
var Default = Days{Messages: 90, Events: 30, Attempts: 30, Deliveries: 14, Audit: 365, Inbound: 90}

// Effective returns d with the defaults in place of zeros.
func (d Days) Effective() Days {
	return Days{
		Messages: cmp.Or(d.Messages, Default.Messages), Events: cmp.Or(d.Events, Default.Events),
		Attempts: cmp.Or(d.Attempts, Default.Attempts), Deliveries: cmp.Or(d.Deliveries, Default.Deliveries),
		Audit: cmp.Or(d.Audit, Default.Audit), Inbound: cmp.Or(d.Inbound, Default.Inbound),
	}
}

// Of returns the days of a table; of what belongs to messages, no more than theirs.
func (d Days) Of(table string) int {
	e := d.Effective()
	switch table {
	case "messages":
		return e.Messages
	case "events", "event_pages":
		return min(e.Events, e.Messages)
	case "attempts":
		return min(e.Attempts, e.Messages)
	case "webhook_deliveries":
		return min(e.Deliveries, e.Messages)
	case "audit_log":
		return e.Audit
	case "inbound":
		return e.Inbound
	}
	panic("no retention of " + table)
}

// Before returns the time before which records of a table are too old.
func (d Days) Before(table string, now time.Time) time.Time { return now.AddDate(0, 0, -d.Of(table)) }

// Scan implements sql.Scanner.
func (d *Days) Scan(src any) error {
	text, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("retention is stored as %T", src)
	}
	return json.Unmarshal(text, d)
}

// Value implements driver.Valuer.
func (d Days) Value() (driver.Value, error) {
	text, err := json.Marshal(d)
	return string(text), err
}
