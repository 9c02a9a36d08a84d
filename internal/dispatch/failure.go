package dispatch

// HeldForQuality is what a provider that accepts a message reports of one that
// it sends, or drops, when it has assessed the template (Meta's message_status).
const HeldForQuality = "held_for_quality_assessment"

// ErrorCode is our provider-independent reason for which a message failed. The
// API returns it as error.code, beside the provider's own code.
type ErrorCode = string

// The error codes.
const (
	FailRecipient    ErrorCode = "invalid_recipient" // not a number, not on WhatsApp, unreachable
	FailSuppressed   ErrorCode = "suppressed"        // opted out
	FailWindow       ErrorCode = "outside_window"    // free-form content, window closed
	FailTemplate     ErrorCode = "template_rejected" // missing, wrong parameters
	FailPaused       ErrorCode = "template_paused"   // the provider has paused or disabled the template
	FailContent      ErrorCode = "content_rejected"  // parameter, media or policy fault of this message
	FailCredentials  ErrorCode = "credentials"       // token or key refused
	FailAccount      ErrorCode = "account_blocked"   // locked, unpaid, not permitted
	FailBalance      ErrorCode = "provider_balance"  // the provider account has no credit
	FailThrottled    ErrorCode = "rate_limited"      // still throttled when its time was over
	FailProvider     ErrorCode = "provider_error"    // 5xx until attempts or age were used up
	FailUnreachable  ErrorCode = "provider_unreachable"
	FailUnclear      ErrorCode = "outcome_unknown" // may have arrived
	FailUndelivered  ErrorCode = "undelivered"     // accepted, then not delivered
	FailNotDelivered ErrorCode = "not_delivered"   // the provider chose not to deliver
	FailExpired      ErrorCode = "expired"
	FailLate         ErrorCode = "late"                // a campaign's: the recipient's window has closed
	FailCapped       ErrorCode = "capped"              // a campaign's: the recipient has had enough of them
	FailDelivered    ErrorCode = "delivered_meanwhile" // a campaign's retry: the first message has arrived
	FailInternal     ErrorCode = "internal_error"      // our own fault, such as a message that can't be read
)

// RetryCodes are those of calls that may be repeated, FailCodes those with which a
// message may fail by the answer to a call or by a callback.
var (
	RetryCodes = []ErrorCode{FailThrottled, FailProvider, FailUnreachable, FailCredentials, FailAccount, FailBalance}
	FailCodes  = append([]ErrorCode{
		FailRecipient, FailSuppressed, FailWindow, FailTemplate, FailPaused, FailContent, FailUnclear, FailUndelivered, FailNotDelivered,
		FailExpired, FailInternal,
	}, RetryCodes...)
)

// What a suppression holds back.
const (
	ScopeAll       = "all"
	ScopeMarketing = "marketing"
)

// refusedMarketing is Meta's code for a person who takes no marketing messages.
const refusedMarketing = "131050"

// ScopeOfRefusal returns what a provider's refusal of a person holds back.
func ScopeOfRefusal(providerCode string) string {
	if providerCode == refusedMarketing {
		return ScopeMarketing
	}
	return ScopeAll
}
