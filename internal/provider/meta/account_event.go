package meta

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// accountEvent is the value of the fields that report a business account or one
// of its numbers (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference:
// account_update, account_review_update, account_alerts, business_capability_update,
// phone_number_quality_update, phone_number_name_update).
type accountEvent struct {
	Event    provider.Scalar `json:"event"`
	Decision provider.Scalar `json:"decision"`
	Number   provider.Scalar `json:"display_phone_number"`
	Limit    provider.Scalar `json:"current_limit"`
	Reason   provider.Scalar `json:"rejection_reason"`
	Ban      struct {
		State provider.Scalar `json:"waba_ban_state"`
		Date  provider.Scalar `json:"waba_ban_date"`
	} `json:"ban_info"`
	Violation struct {
		Type provider.Scalar `json:"violation_type"`
	} `json:"violation_info"`
	Restrictions []struct {
		Type    provider.Scalar `json:"restriction_type"`
		Expires provider.Scalar `json:"expiration"`
	} `json:"restriction_info"`
	PerBusiness provider.Scalar `json:"max_daily_conversations_per_business"`
	PerPhone    provider.Scalar `json:"max_daily_conversation_per_phone"`
	Severity    provider.Scalar `json:"alert_severity"`
	Alert       provider.Scalar `json:"alert_type"`
	Status      provider.Scalar `json:"alert_status"`
	Description provider.Scalar `json:"alert_description"`
}

// alarming are the words of Meta's reports after which messages fail, worrying
// those that announce it.
var (
	alarming = []string{
		"DISABLE", "ACCOUNT_DELETED", "ACCOUNT_RESTRICTION", "PARTNER_REMOVED", "PHONE_NUMBER_REMOVED", "REJECTED", "CRITICAL",
	}
	worrying = []string{
		"DISABLED_UPDATE", "SCHEDULE_FOR_DISABLE", "ACCOUNT_VIOLATION", "FLAGGED", "DOWNGRADE", "PENDING", "DEFERRED", "WARNING",
	}
)

// levelOf returns how bad the worst of words is.
func levelOf(words ...provider.Scalar) string {
	level := dispatch.LevelOK
	for _, w := range words {
		switch word := strings.ToUpper(string(w)); {
		case slices.Contains(alarming, word):
			return dispatch.LevelCritical
		case slices.Contains(worrying, word):
			level = dispatch.LevelWarning
		}
	}
	return level
}

// accountReport reads what a field reports of the account or a number; false for
// another field.
func accountReport(field string, raw json.RawMessage, at time.Time) (r dispatch.ChannelReport, number string, ok bool) {
	var e accountEvent
	if err := json.Unmarshal(raw, &e); err != nil && !wrongType(err) {
		return r, "", false
	}
	r = dispatch.ChannelReport{At: at, Account: true}
	switch field {
	case "account_update":
		e.account(&r)
	case "account_review_update":
		r.Subject, r.Level, r.Value = "review", levelOf(e.Decision), word(e.Decision)
	case "account_alerts":
		r.Subject, r.Level, r.Value, r.Detail = "alert", levelOf(e.Severity), word(e.Alert), string(e.Description)
	case "business_capability_update":
		r.Subject, r.Level, r.Value = "messaging_limit", dispatch.LevelOK, limitOf(cmp.Or(e.PerBusiness, e.PerPhone))
	case "phone_number_quality_update":
		r.Subject, r.Level, r.Value, r.Account = "quality", levelOf(e.Event), word(e.Event), false
		if e.Limit != "" {
			r.Detail = "messaging limit " + string(e.Limit)
		}
	case "phone_number_name_update":
		r.Subject, r.Level, r.Value, r.Account = "display_name", levelOf(e.Decision), word(e.Decision), false
		if cmp.Or(e.Reason, "NONE") != "NONE" {
			r.Detail = string(e.Reason)
		}
	}
	return r, string(e.Number), r.Value != ""
}

// account reads an account_update: what happened to it, and why.
func (e *accountEvent) account(r *dispatch.ChannelReport) {
	r.Subject, r.Level, r.Value = "account", levelOf(e.Event, e.Ban.State), word(e.Event)
	if strings.EqualFold(string(e.Ban.State), "REINSTATE") {
		r.Level = dispatch.LevelOK
	}
	details := []provider.Scalar{e.Ban.State, e.Ban.Date, e.Violation.Type}
	for _, x := range e.Restrictions {
		details = append(details, x.Type)
		if until, err := strconv.ParseInt(string(x.Expires), 10, 64); err == nil && until > 0 {
			details = append(details, provider.Scalar("until "+timeOf(string(x.Expires), r.At).Format(time.RFC3339)))
		}
	}
	var texts []string
	for _, d := range details {
		if d != "" {
			texts = append(texts, string(d))
		}
	}
	r.Detail = strings.Join(texts, " ")
}

func word(s provider.Scalar) string { return strings.ToLower(string(s)) }

// limitOf returns a number of conversations; Meta's -1 is none.
func limitOf(n provider.Scalar) string {
	if n == "-1" {
		return "unlimited"
	}
	return string(n)
}

// accountErrors reads the errors of a value, which concern the number and no
// message.
func accountErrors(ch *dispatch.Channel, errs []graphError, at time.Time) (out []dispatch.ChannelReport) {
	for i := range errs {
		code, level := string(errs[i].Code), dispatch.LevelWarning
		if r, ok := RuleFor(code); ok && (r.Code == dispatch.FailAccount || r.Code == dispatch.FailCredentials) {
			level = dispatch.LevelCritical
		}
		out = append(out, dispatch.ChannelReport{
			Subject: "error", Level: level, Value: code, Detail: provider.Redact(ch, errs[i].text()), At: at,
		})
	}
	return out
}
