package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code is the closed set of reasons for which a request is refused. Dialects
// translate it into their vendor's errors; no code compares messages.
type Code string

// The codes, as the native API returns them.
const (
	Invalid           Code = "validation_failed"
	Malformed         Code = "malformed_request"
	Unauthorized      Code = "unauthorized"
	Forbidden         Code = "forbidden"
	NotFound          Code = "not_found"
	ChannelNotFound   Code = "channel_not_found"
	TemplateNotFound  Code = "template_not_found"
	ContactNotFound   Code = "contact_not_found"
	Conflict          Code = "conflict"
	InProgress        Code = "idempotency_in_progress"
	KeyReused         Code = "idempotency_key_reused"
	UnsupportedType   Code = "unsupported_content"
	OutsideWindow     Code = "outside_window"
	Suppressed        Code = "suppressed"
	RateLimited       Code = "rate_limited"
	DailyLimited      Code = "daily_limit_exceeded"
	LowBalance        Code = "insufficient_credits"
	TooLarge          Code = "body_too_large"
	MethodNotAllowed  Code = "method_not_allowed"
	UnsupportedMedia  Code = "unsupported_media_type"
	CountryNotAllowed Code = "country_not_allowed"
	Overloaded        Code = "overloaded"
	InvalidState      Code = "invalid_state"  // the state of a record forbids the action
	EmptyAudience     Code = "empty_audience" // a campaign that nobody would get
	OutcomeUnknown    Code = "outcome_unknown"
	Internal          Code = "internal_error"
)

// Fault describes one invalid field. Field is a JSON pointer into the native
// request ("/template/name"); dialects map it to their own names.
type Fault struct {
	Field string `json:"pointer"`
	Msg   string `json:"detail"`
	// Needs are further fields that decide about this one: while one of them has a
	// fault, this may be none (see Apart). nil: they are not known.
	Needs []string `json:"-"`
}

// Error is a refusal that is shown to the client. Msg never contains internal
// text.
type Error struct {
	Code       Code
	Msg        string
	Faults     []Fault
	RetryAfter int    // seconds; 0: none
	Detail     any    // code-specific help for the native API, such as usable templates
	Reason     string // finer cause within Code, such as "key_expired" or the missing permission
	Err        error  // the cause, for the log only
}

// Error returns the code, the message, the faults and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Msg != "" {
		b.WriteString(": " + e.Msg)
	}
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "; %s: %s", f.Field, f.Msg)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns a refusal with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// ErrNotFound is returned when a record does not exist or belongs to another
// account.
var ErrNotFound = &Error{Code: NotFound, Msg: "not found"}

// InvalidField returns a validation error about one field.
func InvalidField(field, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Msg: msg, Faults: []Fault{{Field: field, Msg: msg}}}
}

// OptedOut returns the refusal of a message to a person who wants none.
func OptedOut() *Error {
	const msg = "the recipient has opted out of messages"
	return &Error{Code: Suppressed, Msg: msg, Faults: []Fault{{Field: "/to", Msg: msg}}}
}

// CodeOf returns the code of err. An error that is no *Error is Internal; so is
// nil.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// AsError returns err as a refusal. An error that is no *Error becomes
// Internal.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Internal, Msg: "something went wrong on our side; try again", Err: err}
}

// Faults collects all faults of a request, so that a client sees them at once.
type Faults []Fault

// Add adds a fault.
func (f *Faults) Add(field, format string, args ...any) {
	*f = append(*f, Fault{Field: field, Msg: fmt.Sprintf(format, args...)})
}

// AddWith adds a fault of field that the needed fields decide about as well.
func (f *Faults) AddWith(needs []string, field, format string, args ...any) {
	*f = append(*f, Fault{Field: field, Msg: fmt.Sprintf(format, args...), Needs: needs})
}

// Apart returns the faults that do not follow from one of others.
func (f Faults) Apart(others Faults) (out Faults) {
	for _, fault := range f {
		if !slices.ContainsFunc(others, fault.follows) {
			out = append(out, fault)
		}
	}
	return out
}

// follows reports whether f may be the consequence of another fault: of its field or one
// that holds it, of a field that it needs, or, unless its needs are stated, of a part of its field.
func (f Fault) follows(from Fault) bool {
	return within(f.Field, from.Field) || (f.Needs == nil && within(from.Field, f.Field)) ||
		slices.ContainsFunc(f.Needs, func(need string) bool { return within(need, from.Field) || within(from.Field, need) })
}

// within reports whether a pointer is that of holder or of a part of it.
func within(pointer, holder string) bool { return strings.HasPrefix(pointer+"/", holder+"/") }

// Err returns the faults as a validation error, or nil if there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Msg: f[0].Msg, Faults: f}
}
