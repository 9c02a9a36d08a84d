package campaign

import (
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Status is where a row of the ledger stands. The numbers are stored; those
// that a message has too are its own (dispatch.Status).
type Status int16

// The statuses, each row in exactly one.
const (
	Waiting        Status = 0  // not yet a message
	Held           Status = 2  // waits for quiet hours, the canary or the budget
	Queued         Status = 10 // a message that waits for a worker
	Sending        Status = 20
	Sent           Status = 30
	HeldForQuality Status = 35 // Meta has it and assesses the template first
	Delivered      Status = 40
	Read           Status = 50
	Failed         Status = 60
	Expired        Status = 61
	CancelledRow   Status = 62
	Unknown        Status = 63
	Skipped        Status = 70 // never a message; see Reason
)

// Statuses lists them in the order of counts.
var Statuses = []Status{
	Waiting, Held, Queued, Sending, Sent, HeldForQuality, Delivered, Read, Failed, Unknown, Expired, CancelledRow, Skipped,
}

var rowNames = map[Status]string{
	Waiting: "waiting", Held: "held", Queued: "queued", Sending: "sending", Sent: "sent", HeldForQuality: "held_for_quality",
	Delivered: "delivered", Read: "read", Failed: "failed", Unknown: "unknown", Expired: "expired", CancelledRow: "cancelled",
	Skipped: "skipped",
}

// String returns the name that the API shows.
func (s Status) String() string { return rowNames[s] }

// ParseStatus finds a status by its name.
func ParseStatus(name string) (Status, bool) {
	for s, n := range rowNames {
		if n == name {
			return s, true
		}
	}
	return 0, false
}

// OfMessage returns the status of a row whose message has that one. A message
// that is scheduled is held until its time.
func OfMessage(s dispatch.Status) Status {
	if s == dispatch.Scheduled {
		return Held
	}
	return Status(s)
}

// Finished reports whether a campaign need not wait for a row in s: it is sent
// or final.
func (s Status) Finished() bool { return s >= Sent }

// Reason is why a row was skipped. The numbers are stored; 0 is none.
type Reason int16

// The closed list of skip reasons.
const (
	Suppressed         Reason = 1
	Duplicate          Reason = 2 // the person came earlier in the audience
	BadNumber          Reason = 3
	MissingField       Reason = 4
	InvalidContent     Reason = 5
	Capped             Reason = 6
	TooLate            Reason = 7
	OutsideWindow      Reason = 8 // free-form content, conversation window closed
	DeliveredMeanwhile Reason = 9
	reasonsEnd                = 10
)

var reasonNames = [reasonsEnd]string{
	"", "suppressed", "duplicate", "bad_number", "missing_field", "invalid_content", "capped", "late", "outside_window", "delivered_meanwhile",
}

// Reasons lists them all.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonsEnd-1)
	for r := Suppressed; r < reasonsEnd; r++ {
		all = append(all, r)
	}
	return all
}

// String returns the name that the API shows.
func (r Reason) String() string { return reasonNames[r] }

// ParseReason finds a reason by its name.
func ParseReason(name string) (Reason, bool) {
	i := slices.Index(reasonNames[1:], name) + 1
	return Reason(i), i > 0
}

// Problem is why one recipient cannot be sent to.
type Problem struct {
	Reason Reason
	Field  string // the recipient's field at fault; empty: none in particular
	Detail string
}

// retries holds the reasons of failure (dispatch.ErrorCode) after which another
// try can succeed, with the least time before it: what a person, a pause or
// time itself can mend. Meta requires a day before 131049 ("not_delivered") is
// tried again. The others depend on the recipient or the content, or may have
// arrived.
var retries = map[dispatch.ErrorCode]time.Duration{
	dispatch.FailTemplate:     0, // mended, it sends again
	dispatch.FailPaused:       0,
	dispatch.FailCredentials:  0,
	dispatch.FailAccount:      0,
	dispatch.FailBalance:      0,
	dispatch.FailThrottled:    0,
	dispatch.FailProvider:     0,
	dispatch.FailUnreachable:  0,
	dispatch.FailUndelivered:  0, // accepted, then not delivered: a phone that was off
	dispatch.FailNotDelivered: 24 * time.Hour,
	dispatch.FailInternal:     0,
}

// RetryAfter returns how long after the failure a message that failed with
// code is worth another try; ok is false when it never is.
func RetryAfter(code dispatch.ErrorCode) (wait time.Duration, ok bool) {
	wait, ok = retries[code]
	return wait, ok
}

// RetryCodes lists the codes for which RetryAfter is ok, sorted.
func RetryCodes() []dispatch.ErrorCode {
	codes := make([]dispatch.ErrorCode, 0, len(retries))
	for code := range retries {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}
