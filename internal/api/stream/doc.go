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
		Parameters: []apidoc.Parameter{
			apidoc.Header("Last-Event-ID", "The id of the last event that was received."),
			apidoc.Query("summary", "boolean", "Receive at most 200 events a second. How many others there were is sent as "+
				"`events.skipped` with `counts` by type, twice a second at most. For screens: the cost does not grow with the traffic."),
		},
		Responses: map[int]apidoc.Response{200: apidoc.TextOf("text/event-stream", "id: ...\nevent: message.sent\ndata: {...}\n\n")},
	}}
}
