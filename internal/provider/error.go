package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Kind is the closed set of outcomes of a call that wasn't accepted. The
// worker decides from Kind and Scope alone.
type Kind int

// The kinds.
const (
	NotSent   Kind = iota + 1 // surely not received (dial, TLS, request not written): again
	Throttled                 // 429 and its kin: wait, not counted as an attempt
	Temporary                 // explicit 5xx, surely not processed: again, counted
	Doubtful                  // explicit 5xx that may have been processed: again, counted, maybe sent
	Uncertain                 // no answer, or none we understand: may have arrived; resolve first
	Permanent                 // this message will never go
	Denied                    // credentials or account: this message fails and the circuit opens at once
	Held                      // the provider asks the whole number to stop (spam limit): wait, pause the channel
)

var kindNames = [...]string{"", "not_sent", "throttled", "temporary", "doubtful", "uncertain", "permanent", "denied", "held"}

// String is the name in metrics and logs.
func (k Kind) String() string { return kindNames[k] }

// Scope says whom a Throttled error slows.
type Scope int

// The scopes.
const (
	ScopeChannel   Scope = iota
	ScopeRecipient       // only messages to this recipient wait (Meta 131056)
	ScopeAccount         // every channel of the provider account waits (Meta 4, 80007; Gupshup 4001)
)

// Error is the outcome of a call that wasn't accepted.
type Error struct {
	Kind       Kind
	Scope      Scope
	Code       dispatch.ErrorCode // ours, stable over providers
	Provider   string             // the provider's own code
	Msg        string             // the provider's text; never a secret
	HTTP       int                // 0: no answer
	RetryAfter time.Duration      // 0: not told
	Suppress   bool               // the recipient refuses messages
	Err        error
}

// Error gives kind, code and text.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s (%d %s)", e.Kind, e.Msg, e.HTTP, e.Provider)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError gives err as an *Error; one that isn't counts as Uncertain, the only
// assumption that never sends twice in silence.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Uncertain, Code: dispatch.FailUnclear, Msg: "call broke off", Err: err}
}
