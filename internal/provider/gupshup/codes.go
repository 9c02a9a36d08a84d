package gupshup

import (
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// codes is Gupshup's table (docs.gupshup.io/docs/error-and-status-messages,
// partner-docs.gupshup.io/docs/error-codes). Most refusals come as a failed
// event, where the kind plays no part and the reason is shown.
var codes = map[string]provider.Rule{
	"1001": {Kind: provider.Permanent, Code: dispatch.FailAccount}, // last mapped bot failed
	"1002": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"1003": {Kind: provider.Permanent, Code: dispatch.FailBalance},
	"1004": {Kind: provider.Permanent, Code: dispatch.FailWindow},   // user inactive, templates disabled
	"1005": {Kind: provider.Permanent, Code: dispatch.FailTemplate}, // no template matches
	"1006": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"1007": {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"1008": {Kind: provider.Permanent, Code: dispatch.FailRecipient}, // 1006 to 1008: opt-in missing
	"1009": {Kind: provider.Permanent, Code: dispatch.FailContent},
	"1010": {Kind: provider.Permanent, Code: dispatch.FailContent}, // media link
	"1011": {Kind: provider.Permanent, Code: dispatch.FailContent}, // media size
	"1012": {Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true},
	"4002": {Kind: provider.Temporary, Code: dispatch.FailProvider}, // invalid response from WhatsApp
	"4003": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
	"4004": {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"4005": {Kind: provider.Permanent, Code: dispatch.FailTemplate}, // paused
	"470":  {Kind: provider.Permanent, Code: dispatch.FailWindow},
	// "Stop sending and contact support": the whole account waits.
	"4001": {Kind: provider.Held, Code: dispatch.FailThrottled, Scope: provider.ScopeAccount},
	// Gupshup's own 500, with its error body, means that nothing was sent.
	internalError: {Kind: provider.Temporary, Code: dispatch.FailProvider},
}

// internalError is the code that we give an HTTP 500 whose body is Gupshup's
// error body; Gupshup itself puts no code there.
const internalError = "500"

// ruleFor is the rule for a code: Gupshup's own, else Meta's, which it passes
// on in failed events.
func ruleFor(code string) (provider.Rule, bool) {
	if r, ok := codes[code]; ok {
		return r, true
	}
	return meta.RuleFor(code)
}
