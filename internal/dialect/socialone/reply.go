package socialone

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type success struct {
	Status string `json:"status"`
	Data   data   `json:"data"`
}

type data struct {
	MessageID *dispatch.ID `json:"message_id"`
	Status    string       `json:"status"`
}

// failure is the error envelope. The page shows none.
type failure struct {
	Status  string              `json:"status"`
	Message string              `json:"message"`
	Errors  map[string][]string `json:"errors"`
}

func accept(_ *http.Request, _ []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	id, status, code := dialect.Accepted(receipts, http.StatusAccepted)
	return dialect.Reply{Status: code, Body: success{Status: "success", Data: data{MessageID: id, Status: status}}}
}

// names maps our field names to the page's.
var names = dialect.Names{
	"/to":                        "phone_number",
	"/to/country_code":           "country_code",
	"/channel":                   "social_account_id",
	"/template":                  "template_id",
	"/template/id":               "template_id",
	"/template/name":             "template_id",
	"/template/language":         "template_id",
	"/template/components":       "variables",
	"/template/variables":        "variables",
	"/template/header_media_url": "media_file",
	"/type":                      "template_id",
}

// reject returns 400, 401, 403, 404, 429 or 500, with faulty fields by
// name in errors.
func reject(_ *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	status, f := http.StatusBadRequest, failure{Status: "error", Message: e.Msg, Errors: map[string][]string{}}
	field := func(name string) { f.Errors[name] = append(f.Errors[name], f.Message) }
	switch e.Code {
	case dispatch.Invalid:
		f.Message = invalid(e, f.Errors)
	case dispatch.Unauthorized:
		status, f.Message = http.StatusUnauthorized, dialect.KeyProblem(e, keyHeader)
	case dispatch.Forbidden:
		status, f.Message = http.StatusForbidden, dialect.Lacks(e)
	case dispatch.CountryNotAllowed:
		status, f.Message = http.StatusForbidden, "This API key may not send to the recipient's country."
		field("country_code")
	case dispatch.ChannelNotFound:
		status, f.Message = http.StatusNotFound, "WhatsApp account not found."
		field("social_account_id")
	case dispatch.TemplateNotFound:
		status, f.Message = http.StatusNotFound, "Template not found."
		f.Errors["template_id"] = []string{e.Msg}
	case dispatch.UnsupportedType:
		f.Message = "The account can't send this template."
		field("social_account_id")
	case dispatch.Suppressed:
		f.Message = "The recipient has opted out of messages."
		field("phone_number")
	case dispatch.LowBalance:
		f.Message = "Insufficient balance."
		field("balance")
	case dispatch.RateLimited:
		status, f.Message = http.StatusTooManyRequests, "Rate limit exceeded."
	case dispatch.DailyLimited:
		status, f.Message = http.StatusTooManyRequests, "Daily limit exceeded."
	case dispatch.NotFound, dispatch.ContactNotFound:
		status, f.Message = http.StatusNotFound, "Not found."
	default:
		status, f.Message = dialect.Common(e)
	}
	if e.Code != dispatch.Invalid {
		byField(dialect.Others(e), f.Errors)
	}
	return dialect.Reply{Status: status, Body: f}
}

// invalid returns a message and the faults by field.
func invalid(e *dispatch.Error, errors map[string][]string) string {
	if len(e.Faults) == 0 {
		return e.Msg
	}
	byField(e.Faults, errors)
	return "Invalid request: " + names.Sentence(e.Faults[0])
}

// byField adds the faults to errors.
func byField(faults dispatch.Faults, errors map[string][]string) {
	for _, fault := range faults {
		name, rest := names.Of(fault.Field)
		msg := fault.Msg
		if rest != "" {
			msg = names.Sentence(fault)
		}
		errors[name] = append(errors[name], msg)
	}
}
