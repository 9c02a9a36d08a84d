package kaleyra

import (
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// codes is the table of answers
// (developers.kaleyra.io/docs/whatsapp-api-v2-error-codes-for-send-message).
// The SMS API answers with the same gateway's RBC001 and E codes.
var codes = map[string]provider.Rule{
	"RBC001": {Kind: provider.Denied, Code: dispatch.FailCredentials},
	"WA401":  {Kind: provider.Denied, Code: dispatch.FailCredentials},
	// A key without the permission, or a number that isn't a WhatsApp channel
	// of the account: the dash is Kaleyra's.
	"WA-401": {Kind: provider.Denied, Code: dispatch.FailAccount},
	"E110":   {Kind: provider.Permanent, Code: dispatch.FailBalance},
	// The daily limit; the documentation advises against another attempt (before the next day).
	"WAV2101": {Kind: provider.Permanent, Code: dispatch.FailThrottled},
	"WA400":   {Kind: provider.Permanent, Code: dispatch.FailContent},
	"WA429":   {Kind: provider.Throttled, Code: dispatch.FailThrottled},
	// The documentation prescribes three tries after 5, 10 and 15 minutes; no
	// RetryAfter follows from it, the channel's own policy spaces the tries.
	"WA500": {Kind: provider.Temporary, Code: dispatch.FailProvider},
}

// traces is the table of status_trace, SMS's reason in a callback
// (developers.kaleyra.io/docs/sms-status-and-status-trace-codes), as far as it
// is public, by word. Only reason and suppression matter there.
var traces = map[string]provider.Rule{
	"moboff":           {Kind: provider.Permanent, Code: dispatch.FailUndelivered},
	"nocredits":        {Kind: provider.Permanent, Code: dispatch.FailBalance},
	"notallowed":       {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"blockedcountry":   {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"kycnotapproved":   {Kind: provider.Permanent, Code: dispatch.FailAccount},
	"blacklist":        {Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true},
	"optout":           {Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true},
	"condnd":           {Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true},
	"invalidsub":       {Kind: provider.Permanent, Code: dispatch.FailRecipient},
	"templatenotfound": {Kind: provider.Permanent, Code: dispatch.FailTemplate},
}

// accepted are the codes of a yes.
var accepted = map[string]bool{"WA200": true, "WA202": true, "200": true, "201": true, "202": true}

// ruleFor returns the rule for a code in an answer or a callback: the gateway's own,
// a trace, or one of Meta's that Kaleyra passes on.
func ruleFor(code string) (provider.Rule, bool) {
	code = upper(code)
	if r, ok := codes[code]; ok {
		return r, true
	}
	if r, ok := traces[word(code)]; ok {
		return r, true
	}
	if len(code) == len("131047") { // the short ones would be mistaken
		return meta.RuleFor(code)
	}
	return provider.Rule{}, false
}

func upper(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }
