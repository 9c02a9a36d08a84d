package twilio

import (
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// codes is Twilio's table (twilio.com/docs/api/errors/CODE), as far as an
// outgoing message can meet it. Twilio advises against logic on codes, so an
// unknown one goes by the HTTP class; many of WhatsApp's come only in the
// status callback, where the kind plays no part and the reason is shown. Twilio
// sends no Retry-After: the waits are its pages' or the limit's own period.
var codes = map[string]provider.Rule{
	// Throttles: the message was never processed.
	// Too many concurrent requests.
	"20429": {Kind: provider.Throttled, Code: dispatch.FailThrottled},
	// Reply loop between two numbers, held 30 s.
	"14107": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Scope: provider.ScopeRecipient, Wait: 30 * time.Second},
	// Ten hours of messages queued on this From.
	"21611": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Wait: time.Minute},
	// The same behind a Messaging Service.
	"30001": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Wait: time.Minute},
	// 10DLC carrier limit.
	"30022": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Wait: 10 * time.Second},
	// Hourly account limit.
	"60728": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Scope: provider.ScopeAccount, Wait: 5 * time.Minute},
	// 2000 messages a second per account.
	"63017": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Scope: provider.ScopeAccount, Wait: time.Second},
	// WhatsApp sender limit.
	"63018": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Wait: 10 * time.Second},
	// Account's daily limit, rolling.
	"63038": {Kind: provider.Throttled, Code: dispatch.FailThrottled, Scope: provider.ScopeAccount, Wait: time.Hour},

	// Twilio's and the channel's own trouble.
	"20500": {Kind: provider.Doubtful, Code: dispatch.FailProvider}, // "not idempotent": a retry may send twice
	"20503": {Kind: provider.Temporary, Code: dispatch.FailProvider},
	"30008": {Kind: provider.Temporary, Code: dispatch.FailUndelivered}, // unknown carrier error
	"63005": {Kind: provider.Temporary, Code: dispatch.FailProvider},
	"63010": {Kind: provider.Temporary, Code: dispatch.FailProvider},
	"63012": {Kind: provider.Temporary, Code: dispatch.FailProvider},

	// Credentials and account.
	"20003": {Kind: provider.Denied, Code: dispatch.FailCredentials},
	"30002": {Kind: provider.Denied, Code: dispatch.FailAccount}, // suspended
	"20404": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"21212": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // From invalid
	"21606": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // From can't SMS
	"21621": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // From can't MMS
	"60727": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // channel not found
	"63002": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"63007": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // no channel for From
	"63008": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"63020": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // Meta's invitation not accepted
	"21408": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // region not enabled
	"21608": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // trial account
	"21664": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // FallbackFrom
	"21666": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"21667": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"30034": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // unregistered 10DLC

	// Recipient.
	"21610": {Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true}, // said STOP
	"21211": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"21266": {Kind: provider.Permanent, Code: dispatch.FailRecipient}, // To equals From
	"21612": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"21614": {Kind: provider.Permanent, Code: dispatch.FailRecipient}, // not a mobile
	"21635": {Kind: provider.Permanent, Code: dispatch.FailRecipient}, // landline
	"30003": {Kind: provider.Permanent, Code: dispatch.FailUndelivered},
	"30004": {Kind: provider.Permanent, Code: dispatch.FailUndelivered}, // blocked
	"30005": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"30006": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"63003": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"63014": {Kind: provider.Permanent, Code: dispatch.FailUndelivered}, // blocked by the user
	"63024": {Kind: provider.Permanent, Code: dispatch.FailRecipient},

	// Content, template, window, policy.
	"21602": {Kind: provider.Permanent, Code: dispatch.FailContent},
	"21617": {Kind: provider.Permanent, Code: dispatch.FailContent},
	"21654": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
	"21655": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
	"21656": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
	"63028": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
	"63021": {Kind: provider.Permanent, Code: dispatch.FailContent},
	"63016": {Kind: provider.Permanent, Code: dispatch.FailWindow},
	"30007": {Kind: provider.Permanent, Code: dispatch.FailNotDelivered}, // carrier filter
	"30450": {Kind: provider.Permanent, Code: dispatch.FailNotDelivered}, // SMS pumping
	"63049": {Kind: provider.Permanent, Code: dispatch.FailNotDelivered}, // Meta's choice, marketing
	"30036": {Kind: provider.Permanent, Code: dispatch.FailExpired},      // ValidityPeriod over
}
