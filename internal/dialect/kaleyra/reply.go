package kaleyra

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// envelope is the one form of every answer.
type envelope struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
	Error   any    `json:"error"`
}

type accepted struct {
	MessageID *dispatch.ID `json:"message_id"`
	Messages  []message    `json:"messages"`
}

type message struct {
	To        string       `json:"to"`
	MessageID *dispatch.ID `json:"message_id"`
}

// accept returns every message, and the id of the first where the page has it.
func accept(_ *http.Request, _ []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	data := accepted{Messages: []message{}}
	status := http.StatusAccepted
	for i := range receipts {
		var id *dispatch.ID
		id, _, status = dialect.Accepted(receipts[i:], http.StatusAccepted)
		data.Messages = append(data.Messages, message{To: receipts[i].To, MessageID: id})
		if i == 0 {
			data.MessageID = id
		}
	}
	return dialect.Reply{Status: status, Body: envelope{Code: "WA202", Message: "Request Accepted", Data: data, Error: struct{}{}}}
}

// fault returns an error that repeats the message under a name.
func fault(status int, code, name, msg string) dialect.Reply {
	return twice(status, code, msg, name, msg)
}

// twice returns an error whose inner text differs from the message.
func twice(status int, code, msg, name, inner string) dialect.Reply {
	return dialect.Reply{Status: status, Body: envelope{Code: code, Message: msg, Data: struct{}{}, Error: map[string]string{name: inner}}}
}

// reject returns the page's codes and bodies, and WA400 with a text of our own
// where the page has none. The page's WA400 does not name the fault, so the
// header X-Error-Detail does.
func reject(_ *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	reply := refusal(e)
	if more := dialect.Others(e); len(more) > 0 && reply.Header == nil {
		reply.Header = detail(&dispatch.Error{Faults: more})
	}
	return reply
}

// refusal returns the body of an error, with a header where the body does not name the faults.
func refusal(e *dispatch.Error) dialect.Reply {
	switch e.Code {
	case dispatch.Unauthorized:
		return incorrectKey()
	case dispatch.Forbidden, dispatch.CountryNotAllowed:
		return fault(http.StatusUnauthorized, "WA-401", "account", "API is not available for given customer.Please contact support for more info")
	case dispatch.ChannelNotFound:
		return noNumber(e)
	case dispatch.LowBalance:
		return fault(http.StatusBadRequest, "E110", "balance", "Please check your balance, You have a low balance!")
	case dispatch.Invalid, dispatch.Malformed, dispatch.UnsupportedMedia, dispatch.TooLarge:
		if e.Reason == "template_not_approved" {
			return noTemplate()
		}
		if len(e.Faults) == 1 && e.Faults[0].Field == "/channel" { // it is disabled
			return noNumber(e)
		}
		reply := twice(http.StatusBadRequest, "WA400", "Refer to correct payload format", "payload", "Incorrect payload format")
		reply.Header = detail(e)
		return reply
	}
	return silent(e)
}

// incorrectKey is the one error whose data is a list.
func incorrectKey() dialect.Reply {
	const msg = "Incorrect SID or API key."
	return dialect.Reply{Status: http.StatusUnauthorized, Body: envelope{
		Code: "RBC001", Message: msg, Data: []string{}, Error: map[string]string{"error": msg},
	}}
}

// noNumber returns different errors for a number that is not the account's and for
// one that is not a WhatsApp number.
func noNumber(e *dispatch.Error) dialect.Reply {
	if e.Reason == "kind" {
		return fault(http.StatusUnauthorized, "WA-401", "phone_number",
			"The phone number you're using is associated with different Version of our WA API. Please use the appropriate endpoint.")
	}
	return fault(http.StatusUnauthorized, "WA401", "phone_number", "Phone number is not present or does not belong to the account.")
}

// noTemplate is the error for a template that does not exist or is not approved.
func noTemplate() dialect.Reply {
	return fault(http.StatusBadRequest, "WA400", "template", "Template is not present or not approved.")
}

// silent returns the errors that the page does not mention.
func silent(e *dispatch.Error) dialect.Reply {
	switch e.Code {
	case dispatch.TemplateNotFound:
		return noTemplate()
	case dispatch.OutsideWindow:
		return fault(http.StatusBadRequest, "WA400", "to", "Outside 24-hour window. Use a template message.")
	case dispatch.Suppressed:
		return fault(http.StatusBadRequest, "WA400", "to", "The recipient has opted out of messages.")
	case dispatch.UnsupportedType:
		return fault(http.StatusBadRequest, "WA400", "type", "The phone number can't send messages of this type.")
	case dispatch.RateLimited:
		return fault(http.StatusTooManyRequests, "WA429", "error", "Too many requests. Please try again later")
	case dispatch.DailyLimited:
		return fault(http.StatusTooManyRequests, "WA429", "error", "The daily limit is used up. Please try again tomorrow")
	case dispatch.NotFound, dispatch.ContactNotFound:
		return fault(http.StatusNotFound, "WA404", "error", "Not found")
	case dispatch.MethodNotAllowed:
		return fault(http.StatusMethodNotAllowed, "WA405", "error", "Method not allowed")
	case dispatch.Conflict, dispatch.InProgress:
		_, msg := dialect.Common(e)
		return fault(http.StatusConflict, "WA409", "error", msg)
	case dispatch.KeyReused:
		_, msg := dialect.Common(e)
		return fault(http.StatusUnprocessableEntity, "WA422", "error", msg)
	}
	reply := twice(http.StatusInternalServerError, "WA500", "Please try again later", "error", "Internal server error")
	if e.Code == dispatch.OutcomeUnknown { // the page's words don't say that it may have been accepted
		_, msg := dialect.Common(e)
		reply.Header = http.Header{"X-Error-Detail": {msg}}
	}
	return reply
}

// names maps our field names to the page's.
var names = dialect.Names{
	"/to":                          "messaging_object.to",
	"/type":                        "messaging_object.type",
	"/text":                        "messaging_object.text",
	"/template":                    "messaging_object.template",
	"/template/variables":          "messaging_object.template.components",
	"/image":                       "messaging_object.image",
	"/video":                       "messaging_object.video",
	"/audio":                       "messaging_object.audio",
	"/document":                    "messaging_object.document",
	"/sticker":                     "messaging_object.sticker",
	"/location":                    "messaging_object.location",
	"/contacts":                    "messaging_object.contacts",
	"/interactive":                 "messaging_object.interactive",
	"/reaction":                    "messaging_object.reaction",
	"/context":                     "messaging_object.context",
	"/recipient_identity_key_hash": "messaging_object.recipient_identity_key_hash",
	"/reference":                   "extra_info.ref",
	"/metadata":                    "extra_info",
}

// maxDetail is the maximum length of the header.
const maxDetail = 1000

// detail returns the faults as ASCII text for a header.
func detail(e *dispatch.Error) http.Header {
	text := e.Msg
	if len(e.Faults) > 0 {
		text = strings.Join(names.Sentences(e.Faults), "; ")
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return http.Header{"X-Error-Detail": {text[:min(len(text), maxDetail)]}}
}
