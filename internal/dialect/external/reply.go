package external

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type success struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

type accepted struct {
	MessageUUID *dispatch.ID `json:"message_uuid"`
	Status      string       `json:"status"`
	To          string       `json:"to"`
}

type failure struct {
	Success bool    `json:"success"`
	Error   problem `json:"error"`
}

type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The codes of the page with their statuses.
var (
	validation  = kind{http.StatusBadRequest, "VALIDATION_ERROR"}
	denied      = kind{http.StatusUnauthorized, "UNAUTHORIZED"}
	forbidden   = kind{http.StatusForbidden, "FORBIDDEN"}
	noTemplate  = kind{http.StatusNotFound, "TEMPLATE_NOT_FOUND"}
	noMessage   = kind{http.StatusNotFound, "MESSAGE_NOT_FOUND"}
	rateLimit   = kind{http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED"}
	dailyLimit  = kind{http.StatusTooManyRequests, "DAILY_LIMIT_EXCEEDED"}
	internalErr = kind{http.StatusInternalServerError, "INTERNAL_ERROR"}
)

// Codes for what the page does not list, in the same style.
var (
	noRoute    = kind{http.StatusNotFound, "NOT_FOUND"}
	badMethod  = kind{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED"}
	lowBalance = kind{http.StatusPaymentRequired, "INSUFFICIENT_BALANCE"}
	conflict   = kind{http.StatusConflict, "CONFLICT"}
	keyReused  = kind{http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED"}
)

// kind is an error code and the HTTP status it comes with.
type kind struct {
	status int
	code   string
}

func (k kind) reply(msg string) dialect.Reply {
	return dialect.Reply{Status: k.status, Body: failure{Error: problem{Code: k.code, Message: msg}}}
}

func accept(_ *http.Request, _ []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	id, status, code := dialect.Accepted(receipts, http.StatusAccepted)
	return dialect.Reply{Status: code, Body: success{Success: true, Data: accepted{MessageUUID: id, Status: status, To: receipts[0].To}}}
}

// reject returns the code and the message of an error.
func reject(_ *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	switch e.Code {
	case dispatch.Invalid:
		return validation.reply(invalid(e))
	case dispatch.Unauthorized:
		return denied.reply(dialect.KeyProblem(e, keyHeader))
	case dispatch.Forbidden:
		return forbidden.reply(dialect.Lacks(e))
	case dispatch.CountryNotAllowed:
		return forbidden.reply("This API key may not send to the recipient's country")
	case dispatch.TemplateNotFound:
		return noTemplate.reply(also("Template not found: "+e.Msg, e))
	case dispatch.ChannelNotFound:
		return validation.reply(also("The account has no default WhatsApp channel", e))
	case dispatch.UnsupportedType:
		return validation.reply(also("The account's default channel can't send this template", e))
	case dispatch.Suppressed:
		return validation.reply("The recipient has opted out of messages")
	case dispatch.LowBalance:
		return lowBalance.reply("Insufficient balance")
	case dispatch.RateLimited:
		return rateLimit.reply("Rate limit exceeded")
	case dispatch.DailyLimited:
		return dailyLimit.reply("Daily limit exceeded")
	case dispatch.NotFound, dispatch.ContactNotFound:
		return noRoute.reply("Not found")
	}
	return common(e)
}

// common returns the errors that are alike in every dialect.
func common(e *dispatch.Error) dialect.Reply {
	status, msg := dialect.Common(e)
	k := internalErr
	switch status {
	case http.StatusBadRequest:
		k = validation
	case http.StatusMethodNotAllowed:
		k = badMethod
	case http.StatusConflict:
		k = conflict
	case http.StatusUnprocessableEntity:
		k = keyReused
	}
	return k.reply(msg)
}

// names maps our field names to the page's.
var names = dialect.Names{
	"/to":                        "to",
	"/template":                  "template_name",
	"/template/name":             "template_name",
	"/template/header_media_url": "template_name", // the page has no field for a file
	"/template/language":         "language",
	"/template/components":       "variables",
	"/template/variables":        "variables",
	"/reference":                 "reference",
}

// invalid returns an error whose message lists every fault. For an invalid
// recipient it is the page's own text.
func invalid(e *dispatch.Error) string {
	var out []string
	for _, f := range e.Faults {
		if f.Field == "/to" && !required(f) {
			out = append(out, "Invalid phone number format")
			continue
		}
		out = append(out, names.Sentence(f))
	}
	if len(out) == 0 {
		return e.Msg
	}
	return strings.Join(out, "; ")
}

// also returns msg, which is about a refusal's code, with its other faults.
func also(msg string, e *dispatch.Error) string {
	if rest := dialect.Others(e); len(rest) > 0 {
		msg += "; " + invalid(&dispatch.Error{Faults: rest})
	}
	return msg
}

// required reports whether the fault is a missing field or one of the wrong type.
func required(f dispatch.Fault) bool {
	return strings.HasPrefix(f.Msg, "is required") || strings.HasPrefix(f.Msg, "must be")
}
