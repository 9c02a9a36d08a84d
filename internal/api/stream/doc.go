package stream

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
)

// Operations describes the event stream.
func Operations() []apidoc.Operation {
	return []apidoc.Operation{{
		Method: http.MethodGet, Path: "/v1/events", Tag: "Messages", Summary: "Stream events", Permission: "view_messages", Problems: true,
		Description: "Streams the events of the whole account as server-sent events, from now on. " +
			"Last-Event-ID resumes without gaps or repeats. An id is also sent without an event, as the position to resume from. " +
			"A client that reads too slowly is disconnected and can resume. " +
			"A key may have 20 streams open.",
		Parameters: []apidoc.Parameter{apidoc.Header("Last-Event-ID", "The id of the last event that was received.")},
		Responses:  map[int]apidoc.Response{200: apidoc.Text("id: ...\nevent: message.sent\ndata: {...}\n\n")},
	}}
}
