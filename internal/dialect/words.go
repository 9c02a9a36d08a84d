package dialect

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// KeyProblem returns a sentence about why a key is refused, for vendors whose page
// has none. header is the header in which the vendor's clients send the key.
func KeyProblem(e *dispatch.Error, header string) string {
	switch e.Reason {
	case "missing":
		return "API key is missing. Send it in the " + header + " header."
	case "inactive":
		return "API key is inactive."
	case "expired":
		return "API key has expired."
	}
	return "Invalid API key."
}

// Lacks returns a sentence that names the permission that the key lacks.
func Lacks(e *dispatch.Error) string {
	if e.Reason == "" {
		return "This API key is not allowed to do that."
	}
	return "This API key lacks the " + e.Reason + " permission."
}

// HeaderKey returns a Dialect's Credential that reads one header.
func HeaderKey(header string) func(r *http.Request) string {
	return func(r *http.Request) string { return r.Header.Get(header) }
}

// Accepted returns the parts of every envelope for one message: its id (nil if it
// was only simulated), its status, and the HTTP status, which is code if the
// message was stored and 200 otherwise.
func Accepted(receipts []dispatch.Receipt, code int) (id *dispatch.ID, status string, httpStatus int) {
	if len(receipts) == 0 {
		return nil, "", code
	}
	rc := &receipts[0]
	if rc.Status == dispatch.Simulated {
		return nil, rc.Status.String(), http.StatusOK
	}
	return &rc.ID, rc.Status.String(), code
}

// Common returns the HTTP status and the message of errors that no vendor's page
// mentions, so that idempotency and overload are alike in every dialect. Overload
// is 500, because the pages ask clients to repeat on 500 and do not mention 503.
// Any other code is an internal error.
func Common(e *dispatch.Error) (status int, msg string) {
	switch e.Code {
	case dispatch.Malformed:
		return http.StatusBadRequest, e.Msg
	case dispatch.UnsupportedMedia:
		return http.StatusBadRequest, "Content-Type must be application/json"
	case dispatch.TooLarge:
		return http.StatusBadRequest, "The request body is too large."
	case dispatch.MethodNotAllowed:
		return http.StatusMethodNotAllowed, "Method not allowed."
	case dispatch.Conflict:
		return http.StatusConflict, e.Msg
	case dispatch.InProgress:
		return http.StatusConflict, "A request with this Idempotency-Key is still running. Repeat it in a moment."
	case dispatch.KeyReused:
		return http.StatusUnprocessableEntity, "This Idempotency-Key was used with another request."
	case dispatch.OutsideWindow:
		return http.StatusBadRequest, "Outside 24-hour window. Use a template message."
	case dispatch.Overloaded:
		return http.StatusInternalServerError, "The service is busy. Repeat the request."
	case dispatch.OutcomeUnknown:
		return http.StatusInternalServerError, "It is not known whether the request was stored. Repeat it with the same Idempotency-Key."
	}
	return http.StatusInternalServerError, "Something went wrong on our side. Try again."
}
