package aisoule

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type success struct {
	Data data `json:"data"`
}

type data struct {
	MessageID *dispatch.ID `json:"message_id"`
	Status    string       `json:"status"`
}

type failure struct {
	Message string `json:"message"`
	Status  string `json:"status"`
}

func accept(_ *http.Request, _ []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	id, status, code := dialect.Accepted(receipts, http.StatusAccepted)
	return dialect.Reply{Status: code, Body: success{data{MessageID: id, Status: status}}}
}

// reject returns the page's codes: 400 invalid request, 401 invalid key, 404
// contact or template not found, 429 rate limit, 500 server error. The page
// has no 403: a key without the permission counts as invalid.
func reject(_ *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	var status int
	var msg string
	switch e.Code {
	case dispatch.Invalid:
		status, msg = http.StatusBadRequest, invalid(e)
	case dispatch.OutsideWindow:
		status, msg = http.StatusBadRequest, "Outside 24-hour window. Use a template message." // the page's words
	case dispatch.UnsupportedType:
		status, msg = http.StatusBadRequest, names.Also("The WhatsApp account can't send messages of this type.", e)
	case dispatch.Suppressed:
		status, msg = http.StatusBadRequest, "The recipient has opted out of messages."
	case dispatch.LowBalance:
		status, msg = http.StatusBadRequest, "Insufficient balance."
	case dispatch.CountryNotAllowed:
		status, msg = http.StatusUnauthorized, "This API key may not send to the recipient's country."
	case dispatch.Unauthorized:
		status, msg = http.StatusUnauthorized, dialect.KeyProblem(e, keyHeader)
	case dispatch.Forbidden:
		status, msg = http.StatusUnauthorized, dialect.Lacks(e)
	case dispatch.ContactNotFound:
		status, msg = http.StatusNotFound, "Contact not found."
	case dispatch.TemplateNotFound:
		status, msg = http.StatusNotFound, names.Also("Template not found: "+e.Msg, e)
	case dispatch.ChannelNotFound:
		status, msg = http.StatusNotFound, names.Also("WhatsApp account not found.", e)
	case dispatch.NotFound:
		status, msg = http.StatusNotFound, "Not found."
	case dispatch.RateLimited:
		status, msg = http.StatusTooManyRequests, "Rate limit exceeded."
	case dispatch.DailyLimited:
		status, msg = http.StatusTooManyRequests, "Daily limit exceeded."
	default:
		status, msg = dialect.Common(e)
	}
	return dialect.Reply{Status: status, Body: failure{Message: msg, Status: "error"}}
}

// names maps our field names to the page's.
var names = dialect.Names{
	"/channel":       "whatsapp_account",
	"/text/body":     "text",
	"/image/link":    "image.url",
	"/video/link":    "video.url",
	"/document/link": "document.url",
	"/audio/link":    "audio.url",
}

// invalid returns an error whose message lists every fault.
func invalid(e *dispatch.Error) string {
	if len(e.Faults) == 0 {
		return e.Msg
	}
	return strings.Join(names.Sentences(e.Faults), "; ")
}
