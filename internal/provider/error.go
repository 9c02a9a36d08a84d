package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Kind is the outcome of a call that was not accepted, one of a closed set. The
// worker decides by Kind and Scope alone.
type Kind int

// The kinds.
const (
	NotSent   Kind = iota + 1 // certainly not received (dial, TLS, request not written): retried
	Throttled                 // 429 and the like: waits, not counted as an attempt
	Temporary                 // explicit 5xx, certainly not processed: retried, counted
	Doubtful                  // explicit 5xx that may have been processed: retried, counted, maybe sent
	Uncertain                 // no answer, or an unknown one: may have arrived; resolved first
	Permanent                 // this message can never be sent
	Denied                    // credentials or account: this message fails and the circuit opens at once
	Held                      // the provider asks the whole number to stop (spam limit): wait, pause the channel
)

var kindNames = [...]string{"", "not_sent", "throttled", "temporary", "doubtful", "uncertain", "permanent", "denied", "held"}

// String returns the name in metrics and logs.
func (k Kind) String() string { return kindNames[k] }

// Scope is the set of messages that a Throttled error delays.
type Scope int

// The scopes.
const (
	ScopeChannel   Scope = iota
	ScopeRecipient       // only messages to this recipient wait (Meta 131056)
	ScopeAccount         // every channel of the provider account waits (Meta 4, 80007; Gupshup 4001)
)

// Error is the result of a call that was not accepted.
type Error struct {
	Kind       Kind
	Scope      Scope
	Code       dispatch.ErrorCode // ours, stable over providers
	Provider   string             // the provider's own code
	Msg        string             // the provider's text; never a secret
	HTTP       int                // 0: no answer
	RetryAfter time.Duration      // 0: the provider names no time
	Suppress   bool               // the recipient refuses messages
	Err        error
}

// Error returns kind, text and codes.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s (%d %s)", e.Kind, e.Msg, e.HTTP, e.Provider)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns err as an *Error. Any other error becomes Uncertain, the only
// assumption under which nothing is sent twice unnoticed.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Uncertain, Code: dispatch.FailUnclear, Msg: "the call ended without a result", Err: err}
}
