package message

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	tag     = "Messages"
	sends   = "send_text, send_media or send_template"
	views   = "view_messages"
	example = `{"to":"+15550000100","type":"template","template":{"name":"order_confirmation","language":"en",` +
		`"variables":["Ada","A-17","9.90"]},"reference":"order-17"}`
	exampleIDs = `{"ids":["01932f6e-7a40-7c31-9f1b-0242ac120002"]}`
)

// The bodies of the routes below. The names of the types are the names of the
// schemas.
type (
	batchRequest struct {
		Messages []native.SendRequest `json:"messages" required:"true" maxItems:"100000"`
	}
	batchAnswer struct {
		Accepted int      `json:"accepted"`
		Rejected int      `json:"rejected"`
		Results  []result `json:"results"`
	}
	statusRequest struct {
		IDs []dispatch.ID `json:"ids" required:"true" minItems:"1" maxItems:"1000"`
	}
	statusAnswer struct {
		Messages []store.Brief `json:"messages"`
	}
)

// Operations describes the routes of messages.
func Operations() []apidoc.Operation {
	ops := append(sending(), reading()...)
	for i := range ops {
		ops[i].Tag, ops[i].Problems = tag, true
	}
	return ops
}

func sending() []apidoc.Operation {
	return []apidoc.Operation{
		{
			Method: http.MethodPost, Path: "/v1/messages", Summary: "Send a message", Permission: sends,
			Description: "202 means that the message is stored and will be sent. With simulate the response is 200 and nothing is stored.",
			Parameters:  []apidoc.Parameter{apidoc.IdempotencyKey}, Request: apidoc.Request{Type: native.SendRequest{}, Examples: []string{example}},
			Responses: map[int]apidoc.Response{202: {Type: receiptBody{}}, 200: {Type: receiptBody{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/batch", Summary: "Send up to 100,000 messages", Permission: sends,
			Description: "The body is JSON as described here, or application/x-ndjson with one message per line. " +
				"The response then has one result per line. At most 256 MiB, and 64 KiB per message.",
			Parameters: []apidoc.Parameter{apidoc.IdempotencyKey},
			Request:    apidoc.Request{Type: batchRequest{}, Examples: []string{`{"messages":[` + example + `]}`}},
			Responses:  map[int]apidoc.Response{202: {Type: batchAnswer{}}},
		},
		{
			Method: http.MethodPatch, Path: "/v1/messages/{id}", Summary: "Update a scheduled message", Permission: sends,
			Description: "Changes the content, send_at or to of a message that is still scheduled.",
			Request:     apidoc.Request{Type: apidoc.Object{}, Examples: []string{`{"send_at":"2030-01-02T15:04:05Z"}`}},
			Responses:   map[int]apidoc.Response{200: {Type: dispatch.View{}}}, Refusals: changeRefusals(),
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/{id}/cancel", Summary: "Cancel a message", Permission: sends,
			Description: "Cancels a message that is scheduled, queued or waiting for a retry. " +
				"Otherwise the response is 409 with the current status. A message that the provider may have received becomes unknown.",
			Responses: map[int]apidoc.Response{200: {Type: dispatch.View{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/cancel", Summary: "Cancel up to 1,000 messages", Permission: sends,
			Description: "By their ids or by their reference. Messages that can no longer be cancelled stay as they are. " +
				"A whole campaign: its own cancel.",
			Request:   apidoc.Request{Type: cancelMany{}, Examples: []string{`{"reference":"order-17"}`}},
			Responses: map[int]apidoc.Response{200: {Type: cancelAnswer{}}},
		},
	}
}

func reading() []apidoc.Operation {
	return []apidoc.Operation{
		{
			Method: http.MethodGet, Path: "/v1/messages", Summary: "List messages", Permission: views,
			Description: "Returns messages, newest first.",
			Parameters:  filters(), Responses: map[int]apidoc.Response{200: {Type: middleware.Page[dispatch.View]{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/status", Summary: "Retrieve up to 1,000 statuses", Permission: views,
			Description: "Ids that do not exist in the account are left out of the response.",
			Request:     apidoc.Request{Type: statusRequest{}, Examples: []string{exampleIDs}},
			Responses:   map[int]apidoc.Response{200: {Type: statusAnswer{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/messages/{id}", Summary: "Retrieve a message", Permission: views,
			Description: "With wait the response is sent when the status changes, or when the time is over; with wait and status, when " +
				"the message has reached that status. It is sent at once if no further change is expected.",
			Parameters: []apidoc.Parameter{
				apidoc.Query("wait", "number", "How long to wait for a change, in seconds. At most 30."),
				apidoc.Query("status", "string", "With wait: wait until the message is at least scheduled, queued, sending, sent, delivered or read."),
				apidoc.Header("If-None-Match", "The ETag of an earlier response. The response is 304 if the message has not changed since."),
			},
			Responses: map[int]apidoc.Response{200: {Type: dispatch.View{}}, 304: {}},
		},
		{
			Method: http.MethodGet, Path: "/v1/messages/{id}/events", Summary: "List the events of a message", Permission: views,
			Description: "Returns every status change and every call of the provider, oldest first.",
			Responses:   map[int]apidoc.Response{200: {Type: middleware.Page[store.TimelineEvent]{}}},
		},
	}
}

func filters() []apidoc.Parameter {
	return []apidoc.Parameter{
		apidoc.Query("status", "string", "scheduled, queued, sending, sent, delivered, read, failed, expired, cancelled or unknown; repeated, "+
			"or with commas: any of them."),
		apidoc.Query("order", "string", "due: by send_at, the next first; only with status=scheduled."),
		apidoc.Query("channel", "string", "A channel's id or key."), apidoc.Query("to", "string", "The recipient's number."),
		apidoc.Query("reference", "string", "Your own reference."), apidoc.Query("campaign", "integer", "The id of a campaign."),
		apidoc.Query("type", "string", "The type of content, such as text or template."),
		apidoc.Query("search", "string", "A message id, ours or the provider's, or a part of number, reference or content."),
		apidoc.Query("code", "string", "The code of the error, such as invalid_recipient."),
		apidoc.Query("created_from", "string", "Only messages created at or after this time (RFC 3339)."),
		apidoc.Query("created_to", "string", "Only messages created before this time (RFC 3339)."),
		apidoc.Query("limit", "integer", "At most 1000. Default: 50."), apidoc.Query("cursor", "string", "The next_cursor of the previous page."),
	}
}

// changeRefusals describes the problems of changing a scheduled message, by
// status: it must satisfy what a new message must.
func changeRefusals() map[int]string {
	code := func(c dispatch.Code) string { return string(c) }
	return map[int]string{
		http.StatusBadRequest:      code(dispatch.Malformed) + ": the body is not a JSON object with at least one field to change.",
		http.StatusUnauthorized:    code(dispatch.Unauthorized) + ": the API key is missing, unknown, inactive or expired.",
		http.StatusPaymentRequired: code(dispatch.LowBalance) + ": the new content costs more than the balance.",
		http.StatusForbidden: code(dispatch.Forbidden) + ": the key lacks the permission for the present or the new content. " +
			code(dispatch.CountryNotAllowed) + ": the key may not send to the recipient's country.",
		http.StatusNotFound:              code(dispatch.NotFound) + ": the account has no such message.",
		http.StatusConflict:              code(dispatch.Conflict) + ": the message is no longer scheduled; more.status is its status.",
		http.StatusRequestEntityTooLarge: code(dispatch.TooLarge) + ": the body is larger than 1 MiB.",
		http.StatusUnprocessableEntity: code(dispatch.Invalid) + ", with every faulty field: also a field that cannot be changed, " +
			"a template that is not approved, or a disabled channel. As for a new message: " +
			code(dispatch.TemplateNotFound) + ", " + code(dispatch.UnsupportedType) + ", " +
			code(dispatch.OutsideWindow) + ", " + code(dispatch.Suppressed) + ", " + code(dispatch.ChannelNotFound) + ".",
		http.StatusTooManyRequests: code(dispatch.RateLimited) + ", " + code(dispatch.DailyLimited) +
			": a limit of the key is exceeded, or its hourly limit of messages to the new recipient.",
		http.StatusInternalServerError: code(dispatch.Internal) + ": an error on our side; repeat the request.",
		http.StatusServiceUnavailable:  code(dispatch.Overloaded) + ": the service is busy or its database unavailable; repeat the request.",
	}
}
