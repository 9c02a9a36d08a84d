package twilioapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type failure struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// rule is one of Twilio's errors. Without a message that of our error is used.
type rule struct {
	status int
	code   int
	msg    string
}

// rules maps our codes to Twilio's (twilio.com/docs/api/errors).
var rules = map[dispatch.Code]rule{
	dispatch.Unauthorized:     {http.StatusUnauthorized, 20003, "Authenticate"},
	dispatch.Forbidden:        {http.StatusForbidden, 20403, ""},
	dispatch.Malformed:        {http.StatusBadRequest, 20422, ""},
	dispatch.UnsupportedMedia: {http.StatusBadRequest, 20422, "Content-Type must be application/x-www-form-urlencoded"},
	dispatch.TooLarge:         {http.StatusBadRequest, 20422, "The request body is too large"},
	dispatch.KeyReused:        {http.StatusUnprocessableEntity, 20422, "This Idempotency-Key was used with another request"},
	dispatch.NotFound:         {http.StatusNotFound, 20404, ""},
	dispatch.ContactNotFound:  {http.StatusNotFound, 20404, ""},
	dispatch.MethodNotAllowed: {http.StatusMethodNotAllowed, 20004, "Method not allowed"},
	dispatch.ChannelNotFound: {
		http.StatusBadRequest, 21606,
		"The 'From' phone number provided is not a valid message-capable phone number of this account for this destination",
	},
	dispatch.TemplateNotFound: {http.StatusBadRequest, 21655, "The ContentSid is invalid"},
	dispatch.OutsideWindow: {
		http.StatusBadRequest, 63016,
		"Failed to send freeform message because you are outside the allowed window. If you are using WhatsApp, please use a Message Template.",
	},
	dispatch.UnsupportedType: {http.StatusBadRequest, 63021, ""},
	dispatch.Suppressed:      {http.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient"},
	dispatch.CountryNotAllowed: {
		http.StatusBadRequest, 21408,
		"Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
	},
	dispatch.LowBalance:   {http.StatusBadRequest, 30002, "Account suspended: its balance is used up"},
	dispatch.RateLimited:  {http.StatusTooManyRequests, 20429, "Too Many Requests"},
	dispatch.DailyLimited: {http.StatusTooManyRequests, 63038, "The daily messages limit is exceeded"},
	dispatch.Conflict:     {http.StatusConflict, 20409, ""},
	dispatch.InProgress:   {http.StatusConflict, 20409, "A request with this Idempotency-Key is still running. Repeat it in a moment"},
	dispatch.Overloaded:   {http.StatusServiceUnavailable, 20503, "Service unavailable: the service is busy. Repeat the request"},
	dispatch.OutcomeUnknown: {
		http.StatusServiceUnavailable, 20503,
		"It is not known whether the request was stored. Repeat it with the same Idempotency-Key",
	},
}

var internal = rule{http.StatusInternalServerError, 20500, "An internal server error has occurred"}

// fields maps the prefix of a fault's pointer to a code; the first match counts.
// If msg ends in a colon, the text of the fault follows.
var fields = []struct {
	pointer string
	code    int
	msg     string
}{
	{"/to", 21211, "Invalid 'To' Phone Number:"},
	{"/from", 21603, "A 'From' phone number is required."},
	{"/pair", 21910, "Invalid From and To pair. From and To should be of the same channel"},
	{"/channel", 21606, "The 'From' phone number can't be used:"},
	{"/body", 21602, "Message body is required."},
	{"/text/body", 21617, "Invalid message body:"},
	{"/content_sid", 21654, "ContentSid Required"},
	{"/template/variables", 21656, "The ContentVariables Parameter is invalid:"},
	{"/template/components", 21656, "The ContentVariables Parameter is invalid:"},
	{"/template", 21655, "The ContentSid is invalid:"},
	{"/status_callback", 21609, "Invalid 'StatusCallback' URL:"},
	{"/schedule_type", 20422, "Invalid ScheduleType:"},
	{"/send_at", 35114, "SendAt timestamp is not supported: it"},
	{"/ttl_seconds", 21624, "Invalid validity period value: it"},
	{"/more_media", 21623, "Number of media files exceeds allowed limit:"},
	{"/image", 21620, "Invalid media URL:"},
	{"/video", 21620, "Invalid media URL:"},
	{"/audio", 21620, "Invalid media URL:"},
	{"/document", 21620, "Invalid media URL:"},
	{"/date_sent", 20422, "Invalid DateSent: it"},
}

// reject returns Twilio's error object. more_info is the URL of Twilio's page about
// the code.
func reject(r *http.Request, err error) dialect.Reply {
	e := dispatch.AsError(err)
	if e.Code == dispatch.Invalid {
		return answer(invalid(e))
	}
	found, ok := rules[e.Code]
	switch {
	case !ok:
		found = internal
	case e.Reason == "unfinished":
		found = rule{http.StatusConflict, 20009, "Cannot delete or redact this resource before it is complete"}
	case e.Code == dispatch.Forbidden:
		found.msg = dialect.Lacks(e)
	case found.code == 20404:
		found.msg = "The requested resource " + r.URL.Path + " was not found"
	case found.msg == "":
		found.msg = e.Msg
	}
	return answer(found)
}

// invalid returns the error for the first fault.
func invalid(e *dispatch.Error) rule {
	if len(e.Faults) == 0 {
		return rule{http.StatusBadRequest, 20422, e.Msg}
	}
	first := e.Faults[0]
	if first.Field == "/to" && first.Msg == "is required" {
		return rule{http.StatusBadRequest, 21604, "A 'To' phone number is required."}
	}
	for _, f := range fields {
		rest, ok := strings.CutPrefix(first.Field, f.pointer)
		if !ok || (rest != "" && rest[0] != '/') {
			continue
		}
		msg := f.msg
		if !strings.HasSuffix(msg, ".") && (strings.HasSuffix(msg, ":") || strings.HasSuffix(msg, ": it")) {
			msg += " " + first.Msg
		}
		return rule{http.StatusBadRequest, f.code, msg}
	}
	return rule{http.StatusBadRequest, 20422, dialect.Names{}.Sentence(first)}
}

// answer returns an error. A 401 has a WWW-Authenticate header (RFC 9110) for
// clients that send credentials only when challenged.
func answer(u rule) dialect.Reply {
	reply := dialect.Reply{Status: u.status, Body: failure{
		Code: u.code, Message: u.msg, MoreInfo: "https://www.twilio.com/docs/errors/" + strconv.Itoa(u.code), Status: u.status,
	}}
	if u.status == http.StatusUnauthorized {
		reply.Header = http.Header{"Www-Authenticate": {`Basic realm="Twilio API"`}}
	}
	return reply
}
