package dispatch

// Status is what we know of a message. The stored numbers are ranks: a higher
// one below Failed beats a lower one. Scheduled, Queued and Sending are not
// stored: they say where an unfinished message stands.
type Status int16

// The states of a message, as the API names them.
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

// String is the name the API shows.
func (s Status) String() string { return statusNames[s] }

// ParseStatus finds a status by its API name.
func ParseStatus(name string) (Status, bool) {
	for s, n := range statusNames {
		if n == name && s != Simulated {
			return s, true
		}
	}
	return 0, false
}

// Final says that nothing but a provider's late fact can change s.
func (s Status) Final() bool { return s >= Failed && s <= Unknown }

// Finished says that the provider has the message or nobody will try again.
func (s Status) Finished() bool { return s >= Sent }

// By says who settled a final status.
type By int16

// Who settled a status.
const (
	ByUs       By = 0
	ByProvider By = 1
)

// Beats is the one rule for which evidence wins, whatever order it comes in
// (the same rule stands in the store's UPDATE, see store/apply.go):
//   - sent: over anything unsettled, over expired, cancelled and unknown, and
//     over a failure that only we assumed;
//   - delivered, read: the higher one wins, and always over the final four: a
//     fact beats an assumption;
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

// Anomalous says that replacing old by s is worth showing: a receipt arrived
// for a message that we had given up.
func (s Status) Anomalous(old Status) bool {
	return (s == Delivered || s == Read) && old.Final()
}
