package metaapi

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

type sent struct {
	MessagingProduct string    `json:"messaging_product"`
	Contacts         []contact `json:"contacts"`
	Messages         []message `json:"messages"`
}

type contact struct {
	Input  string `json:"input"`
	WaID   string `json:"wa_id,omitempty"`
	UserID string `json:"user_id,omitempty"`
}

// newContact returns the recipient of a message as Meta names it.
func newContact(input, to string) contact {
	if person.IsUserID(to) {
		return contact{Input: input, UserID: to}
	}
	return contact{Input: input, WaID: strings.TrimPrefix(to, "+")}
}

type message struct {
	ID     string `json:"id"`
	Status string `json:"message_status,omitempty"`
}

// accept returns Meta's 200. The id is "wamid." followed by our UUID.
// message_status is accepted for queued and scheduled messages alike.
func accept(_ *http.Request, drafts []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	if len(drafts) == 0 {
		return dialect.Reply{Status: http.StatusOK, Body: map[string]bool{"success": true}}
	}
	out := sent{MessagingProduct: "whatsapp"}
	for i := range receipts {
		out.Contacts = append(out.Contacts, newContact(drafts[i].To, receipts[i].To))
		m := message{ID: "wamid." + receipts[i].ID.String(), Status: "accepted"}
		if receipts[i].Status == dispatch.Simulated {
			m = message{Status: receipts[i].Status.String()}
		}
		out.Messages = append(out.Messages, m)
	}
	return dialect.Reply{Status: http.StatusOK, Body: out}
}

type failure struct {
	Error problem `json:"error"`
}

type problem struct {
	Message   string    `json:"message"`
	Type      string    `json:"type"`
	Code      int       `json:"code"`
	Subcode   int       `json:"error_subcode,omitempty"`
	Data      errorData `json:"error_data,omitzero"`
	TraceID   string    `json:"fbtrace_id"`
	Transient bool      `json:"is_transient,omitempty"`
}

type errorData struct {
	MessagingProduct string `json:"messaging_product"`
	Details          string `json:"details"`
}

// rule is one of Meta's errors. Without details those of our error are used.
type rule struct {
	status  int
	code    int
	title   string
	details string
}

// rules maps our codes to Meta's
// (developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
// The HTTP statuses are the documented ones; clients rely on the code.
var rules = map[dispatch.Code]rule{
	dispatch.Forbidden:        {http.StatusForbidden, 10, "Application does not have permission for this action", ""},
	dispatch.Invalid:          {http.StatusBadRequest, 100, "Invalid parameter", ""},
	dispatch.Malformed:        {http.StatusBadRequest, 100, "Invalid parameter", ""},
	dispatch.UnsupportedMedia: {http.StatusBadRequest, 100, "Invalid parameter", ""},
	dispatch.TooLarge:         {http.StatusBadRequest, 100, "Invalid parameter", "The request body is too large."},
	dispatch.KeyReused: {
		http.StatusUnprocessableEntity, 100, "Invalid parameter",
		"This Idempotency-Key was used with another request.",
	},
	dispatch.NotFound:         {http.StatusNotFound, 2500, "Unknown path components", "There is nothing at this address."},
	dispatch.MethodNotAllowed: {http.StatusMethodNotAllowed, 100, "Unsupported request", "Method not allowed."},
	dispatch.TemplateNotFound: {http.StatusNotFound, 132001, "Template name does not exist in the translation", ""},
	dispatch.OutsideWindow: {
		http.StatusBadRequest, 131047, "Re-engagement message",
		"More than 24 hours have passed since the recipient last replied to the sender number.",
	},
	dispatch.Suppressed: {
		http.StatusBadRequest, 131050, "User has stopped receiving messages",
		"The recipient has opted out of messages from this business.",
	},
	dispatch.UnsupportedType:   {http.StatusBadRequest, 131051, "Unsupported message type", ""},
	dispatch.ContactNotFound:   {http.StatusBadRequest, 131026, "Message undeliverable", ""},
	dispatch.CountryNotAllowed: {http.StatusForbidden, 130497, "Business account is restricted from messaging users in this country", ""},
	dispatch.LowBalance:        {http.StatusBadRequest, 131042, "Business eligibility payment issue", "The account's balance is used up."},
	dispatch.RateLimited:       {http.StatusTooManyRequests, 130429, "Rate limit hit", "Too many messages in a short time. Try again later."},
	dispatch.DailyLimited:      {http.StatusTooManyRequests, 80007, "Rate limit issues", "The key's daily limit is used up."},
	dispatch.Conflict:          {http.StatusConflict, 100, "Invalid parameter", ""},
	dispatch.InProgress: {
		http.StatusConflict, 131016, "Service unavailable",
		"A request with this Idempotency-Key is still running. Repeat it in a moment.",
	},
	dispatch.Overloaded: {http.StatusInternalServerError, 131016, "Service unavailable", "The service is busy. Repeat the request."},
	dispatch.OutcomeUnknown: {
		http.StatusInternalServerError, 131016, "Service unavailable",
		"It is not known whether the request was stored. Repeat it with the same Idempotency-Key.",
	},
}

// internal is Meta's error for an internal error.
var internal = rule{
	http.StatusInternalServerError, 131000, "Something went wrong", "Message failed to send due to an unknown error. Try again.",
}

// reject returns Meta's error object.
func reject(r *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	switch e.Code {
	case dispatch.Unauthorized:
		return answer(r, unauthorized(e))
	case dispatch.ChannelNotFound:
		return noObject(r)
	}
	found, ok := rules[e.Code]
	if !ok {
		return answer(r, internal)
	}
	switch {
	case e.Code == dispatch.Invalid:
		found = parameter(e)
	case e.Code == dispatch.Forbidden:
		found.details = dialect.Lacks(e)
	}
	if found.details == "" {
		found.details = e.Msg
		if e.Code != dispatch.Invalid {
			found.details = names.Also(e.Msg, e)
		}
	}
	return answer(r, found)
}

// unauthorized returns error 190 with the Graph API's messages.
func unauthorized(e *dispatch.Error) rule {
	text := "Invalid OAuth access token - Cannot parse access token"
	switch e.Reason {
	case "missing":
		text = "An access token is required to request this resource."
	case "expired":
		text = "Error validating access token: Session has expired."
	case "inactive":
		text = "Error validating access token: The session has been invalidated."
	}
	return rule{http.StatusUnauthorized, 190, text, ""}
}

// noObject is the Graph API's error for a phone number id of another account.
func noObject(r *http.Request) dialect.Reply {
	reply := answer(r, rule{http.StatusBadRequest, 100, "", ""})
	f := reply.Body.(failure)
	f.Error.Type, f.Error.Subcode = "GraphMethodException", 33
	f.Error.Message = "Unsupported " + strings.ToLower(r.Method) + " request. Object with ID '" +
		cmp.Or(r.PathValue("phone_number_id"), r.PathValue("object")) +
		"' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
	reply.Body = f
	return reply
}

// parameter returns 132000 for a template's variables, 132001 for a template that
// cannot be sent, and 100 for other faults.
func parameter(e *dispatch.Error) rule {
	if e.Reason == "template_not_approved" {
		return rule{http.StatusNotFound, 132001, "Template name does not exist in the translation", e.Msg}
	}
	var details []string
	template := len(e.Faults) > 0
	for _, f := range e.Faults {
		template = template && aboutValues(f)
		details = append(details, names.Sentence(f))
	}
	text := strings.Join(details, "; ")
	if text == "" {
		text = e.Msg
	}
	if template {
		return rule{http.StatusBadRequest, 132000, "Number of parameters does not match the expected number of params", text}
	}
	return rule{http.StatusBadRequest, 100, "Invalid parameter", text}
}

// aboutValues reports whether the variables do not match the template, as opposed
// to JSON of the wrong shape.
func aboutValues(f dispatch.Fault) bool {
	return !strings.HasPrefix(f.Msg, "has the wrong type") &&
		(strings.HasPrefix(f.Field, "/template/components") || strings.HasPrefix(f.Field, "/template/variables") ||
			f.Field == "/template/header_media_url")
}

// names maps our field names to Meta's.
var names = dialect.Names{
	"/channel": "phone_number_id", "/template/variables": "template.components", "/to/recipient": "recipient",
}

// answer returns an error as the Graph API writes it, with the code in the
// message too, except for errors about access tokens.
func answer(r *http.Request, u rule) dialect.Reply {
	p := problem{Message: u.title, Type: "OAuthException", Code: u.code, TraceID: trace(r), Transient: u.code == 131016}
	if u.details != "" {
		p.Message = "(#" + strconv.Itoa(u.code) + ") " + u.title
		p.Data = errorData{MessagingProduct: "whatsapp", Details: u.details}
	}
	return dialect.Reply{Status: u.status, Body: failure{p}}
}

// trace returns the request id in the form of fbtrace_id.
func trace(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" {
		return id
	}
	return "A"
}
