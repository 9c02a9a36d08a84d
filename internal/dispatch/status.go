package dispatch

// Status is the status of a message. The stored numbers are ranks: below
// Failed, a higher one beats a lower one. Scheduled, Queued and Sending are not
// stored: they are derived from the row of an unfinished message.
type Status int16

// The statuses of a message, as the API names them.
const (
	Scheduled Status = 1 // waits for send_at (derived)
	Queued    Status = 10
	Sending   Status = 20 // claimed by a worker, or its outcome is being resolved (derived)
	Sent      Status = 30
	Delivered Status = 40
	Read      Status = 50
	Failed    Status = 60
	Expired   Status = 61
	Cancelled Status = 62
	Unknown   Status = 63 // the provider may have it and policy forbids another try
	Simulated Status = 99 // validated only, never stored
)

var statusNames = map[Status]string{
	Scheduled: "scheduled", Queued: "queued", Sending: "sending", Sent: "sent", Delivered: "delivered", Read: "read",
	Failed: "failed", Expired: "expired", Cancelled: "cancelled", Unknown: "unknown", Simulated: "simulated",
}

// String returns the name used in the API.
func (s Status) String() string { return statusNames[s] }

// ParseStatus returns the status of that API name, or false.
func ParseStatus(name string) (Status, bool) {
	for s, n := range statusNames {
		if n == name && s != Simulated {
			return s, true
		}
	}
	return 0, false
}

// Final reports whether only a late fact of the provider can change s.
func (s Status) Final() bool { return s >= Failed && s <= Unknown }

// Finished reports whether the provider has the message or no attempt will
// follow.
func (s Status) Finished() bool { return s >= Sent }

// By is who settled a final status.
type By int16

// The values of By.
const (
	ByUs       By = 0
	ByProvider By = 1
)

// Beats reports whether status s overrides old, whatever order they arrive in
// (the same rule is in the store's UPDATE, see store/apply.go):
//   - sent: over anything unsettled, over expired, cancelled and unknown, and
//     over a failure that only we assumed;
//   - delivered, read: the higher one, and always over the final four: a fact
//     beats an assumption;
//   - failed by the provider: over anything below delivered and over the final
//     four; by us: only over what is not settled.
func (s Status) Beats(old Status, by, oldBy By) bool {
	switch {
	case s == Sent:
		return old < Sent || (old > Failed && old <= Unknown) || (old == Failed && oldBy == ByUs)
	case s == Delivered || s == Read:
		return old < s || old.Final()
	case s == Failed && by == ByProvider:
		return old < Delivered || old > Failed || (old == Failed && oldBy == ByUs)
	case s.Final():
		return old < Sent
	}
	return false
}

// Anomalous reports whether replacing old by s is to be shown as an anomaly: a
// receipt arrived for a message that we had given up.
func (s Status) Anomalous(old Status) bool {
	return (s == Delivered || s == Read) && old.Final()
}
