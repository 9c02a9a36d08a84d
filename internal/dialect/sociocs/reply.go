package sociocs

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type success struct {
	Status string `json:"status"`
	Data   any    `json:"data"`
}

type data struct {
	MessageID *dispatch.ID `json:"message_id"`
}

type failure struct {
	Status string  `json:"status"`
	Errors []fault `json:"errors"`
}

type fault struct {
	Msg string `json:"msg"`
}

func accept(_ *http.Request, _ []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	id, _, code := dialect.Accepted(receipts, http.StatusOK)
	return dialect.Reply{Status: code, Body: success{Status: "success", Data: data{MessageID: id}}}
}

// names maps our field names to the page's.
var names = dialect.Names{
	"/channel":                    "channel_key",
	"/contact":                    "contact_saving",
	"/contact/name":               "name",
	"/send_at":                    "schedule",
	"/text/body":                  "text",
	"/image/link":                 "image_url",
	"/video/link":                 "video_url",
	"/document/link":              "file_url",
	"/more_media":                 "image_urls",
	"/template":                   "template",
	"/template/components":        "template.variables",
	"/template/header_media_url":  "template.variables.MEDIA_URL",
	"/template/variables":         "template.variables",
	"/template/variables/header":  "template.variables.Header",
	"/template/variables/body":    "template.variables.Body",
	"/template/variables/buttons": "template.variables.Buttons",
}

// reject returns the page's codes: 400 validation, 401 authentication, 404
// unknown endpoint, 429 rate limit, 500 internal error. It has no 403: a
// key without the permission fails to authenticate.
func reject(_ *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	status, msgs := http.StatusBadRequest, []string(nil)
	switch e.Code {
	case dispatch.Invalid:
		msgs = invalid(e)
	case dispatch.ChannelNotFound:
		msgs = beside(e, "Invalid channel_key.") // the page's words
		if e.Reason == "provider" || e.Reason == "kind" {
			msgs = beside(e, "Invalid provider. It must be the channel's provider.")
		}
	case dispatch.TemplateNotFound:
		msgs = beside(e, "Invalid template id.")
	case dispatch.ContactNotFound:
		msgs = []string{"Invalid contact_saving.list_id."}
	case dispatch.UnsupportedType:
		msgs = beside(e, "The channel can't send messages of this type.")
	case dispatch.OutsideWindow:
		msgs = []string{"Outside the 24-hour window. Use a template."}
	case dispatch.Suppressed:
		msgs = []string{"The recipient has opted out of messages."}
	case dispatch.CountryNotAllowed:
		msgs = []string{"This API key may not send to the recipient's country."}
	case dispatch.LowBalance:
		msgs = []string{"Insufficient balance."}
	default:
		status, msgs = other(e)
	}
	f := failure{Status: "error", Errors: []fault{}}
	for _, msg := range msgs {
		f.Errors = append(f.Errors, fault{Msg: msg})
	}
	return dialect.Reply{Status: status, Body: f}
}

// other returns the errors that are not faults of a field.
func other(e *dispatch.Error) (int, []string) {
	switch e.Code {
	case dispatch.Unauthorized:
		return http.StatusUnauthorized, []string{dialect.KeyProblem(e, keyHeader)}
	case dispatch.Forbidden:
		return http.StatusUnauthorized, []string{dialect.Lacks(e)}
	case dispatch.NotFound:
		return http.StatusNotFound, []string{"Requested API endpoint not found."}
	case dispatch.RateLimited:
		return http.StatusTooManyRequests, []string{"The rate limit has been reached."}
	case dispatch.DailyLimited:
		return http.StatusTooManyRequests, []string{"The daily limit has been reached."}
	}
	status, msg := dialect.Common(e)
	return status, []string{msg}
}

// beside returns msg, which is about the refusal's code, and every other fault as a
// sentence.
func beside(e *dispatch.Error, msg string) []string {
	msgs := []string{msg}
	if rest := dialect.Others(e); len(rest) > 0 {
		msgs = append(msgs, invalid(&dispatch.Error{Faults: rest})...)
	}
	return msgs
}

// invalid returns every fault as a sentence.
func invalid(e *dispatch.Error) []string {
	if len(e.Faults) == 0 {
		return []string{e.Msg}
	}
	msgs := names.Sentences(e.Faults)
	for i := range msgs {
		if !strings.HasSuffix(msgs[i], ".") {
			msgs[i] += "."
		}
	}
	return msgs
}
