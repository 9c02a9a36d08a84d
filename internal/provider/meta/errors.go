package meta

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// Codes is Meta's error table
// (developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
// The HTTP status is no guide: Meta sends throttling with 400 as well as 429
// and code 3 with 500. Gupshup passes the same codes on.
var Codes = codes(
	// A second copy may come of a retry: the call may have been processed.
	row(provider.Doubtful, dispatch.FailProvider, "1", "131000"),
	row(provider.Temporary, dispatch.FailProvider, "2", "131016", "133004"),
	waiting(time.Minute, "131057"), // maintenance of the number, up to about a minute
	waiting(time.Hour, "132069"),   // a flow's ten messages per hour are used up

	scoped(provider.ScopeAccount, "4", "80007", "80008"), // the app's, the business account's limits
	scoped(provider.ScopeRecipient, "131056"),            // too many to this recipient
	scoped(provider.ScopeChannel, "130429"),              // messages per second of the number
	row(provider.Held, dispatch.FailThrottled, "131048"),

	row(provider.Denied, dispatch.FailCredentials, "0", "190"),
	row(provider.Denied, dispatch.FailAccount, "368", "131031", "131042"),

	row(provider.Permanent, dispatch.FailAccount,
		"3", "10", "33", "131005", "131030", "131037", "131045", "133000", "133005", "133006", "133008", "133009", "133010", "133015", "133016"),
	row(provider.Permanent, dispatch.FailContent,
		"100", "130497", "130501", "131008", "131009", "131051", "131052", "131053", "132068", "135000", "137000"),
	row(provider.Permanent, dispatch.FailRecipient, "131021", "131026"),
	row(provider.Permanent, dispatch.FailNotDelivered, "130472", "131049"),
	row(provider.Permanent, dispatch.FailWindow, "131047"),
	row(provider.Permanent, dispatch.FailTemplate, "132000", "132001", "132005", "132007", "132008", "132012"),
	row(provider.Permanent, dispatch.FailPaused, "132015", "132016"),
	suppressed("131050"),
)

type entry struct {
	code string
	rule provider.Rule
}

func codes(groups ...[]entry) map[string]provider.Rule {
	m := make(map[string]provider.Rule)
	for _, g := range groups {
		for _, e := range g {
			m[e.code] = e.rule
		}
	}
	return m
}

func rule(r provider.Rule, codes []string) []entry {
	es := make([]entry, len(codes))
	for i, c := range codes {
		es[i] = entry{c, r}
	}
	return es
}

func row(kind provider.Kind, code dispatch.ErrorCode, codes ...string) []entry {
	return rule(provider.Rule{Kind: kind, Code: code}, codes)
}

func scoped(scope provider.Scope, codes ...string) []entry {
	return rule(provider.Rule{Kind: provider.Throttled, Scope: scope, Code: dispatch.FailThrottled}, codes)
}

func waiting(d time.Duration, codes ...string) []entry {
	return rule(provider.Rule{Kind: provider.Temporary, Code: dispatch.FailProvider, Wait: d}, codes)
}

func suppressed(codes ...string) []entry {
	return rule(provider.Rule{Kind: provider.Permanent, Code: dispatch.FailSuppressed, Suppress: true}, codes)
}

// RuleFor is the table's rule for a code; 200 to 299 are all "permission
// missing".
func RuleFor(code string) (provider.Rule, bool) {
	if r, ok := Codes[code]; ok {
		return r, true
	}
	if len(code) == 3 && code[0] == '2' {
		return provider.Rule{Kind: provider.Permanent, Code: dispatch.FailAccount}, true
	}
	return provider.Rule{}, false
}

// graphError is the error body of the Graph API, and a status callback's error.
type graphError struct {
	Code      provider.Scalar `json:"code"` // a string in copies that partners make
	Title     provider.Scalar `json:"title"`
	Message   provider.Scalar `json:"message"`
	Transient bool            `json:"is_transient"`
	UserTitle provider.Scalar `json:"error_user_title"`
	UserMsg   provider.Scalar `json:"error_user_msg"`
	Details   provider.Scalar `json:"details"`
	Reason    provider.Scalar `json:"reason"`
	Data      struct {
		Details provider.Scalar `json:"details"`
	} `json:"error_data"`
}

// text is what a reader needs of the error. Meta's page tells clients to rely on code and
// details; the message often repeats the code.
func (e *graphError) text() string {
	var text string
	for _, s := range []provider.Scalar{cmp.Or(e.Message, e.Title), cmp.Or(e.Data.Details, e.Details), e.UserTitle, e.UserMsg, e.Reason} {
		switch part := string(s); {
		case text == "":
			text = part
		case part != "" && !strings.Contains(text, part):
			text += ": " + part
		}
	}
	return text
}

// refusal explains an answer that isn't an acceptance.
func refusal(ch *dispatch.Channel, res outbound.Response) *provider.Error {
	var body struct {
		Error graphError `json:"error"`
	}
	if err := json.Unmarshal(res.Body, &body); err != nil && !wrongType(err) {
		body.Error = graphError{}
	}
	e := &body.Error
	a := provider.Answer{
		Status: res.Status, Header: res.Header(), Code: string(e.Code),
		Msg: provider.Redact(ch, cmp.Or(e.text(), provider.BodyText(ch, res.Body))),
	}
	a.Refuse(ch, res.Body)
	table := Codes
	e.Code = provider.Scalar(a.Code)
	if r, ok := ruleOf(e); ok {
		table = map[string]provider.Rule{a.Code: r}
	}
	out := provider.Classify(a, table)
	out.HTTP = res.Status
	return out
}

// ruleOf is the rule for an error: Meta's own flag that it will pass turns a
// refusal into a temporary one, unless the code is more exact.
func ruleOf(e *graphError) (provider.Rule, bool) {
	if e.Code == "" {
		return provider.Rule{}, false
	}
	r, ok := RuleFor(string(e.Code))
	if e.Transient && (!ok || r.Kind == provider.Permanent || r.Kind == provider.Denied) {
		return provider.Rule{Kind: provider.Temporary, Code: dispatch.FailProvider}, true
	}
	return r, ok
}
