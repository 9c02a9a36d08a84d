package dashboard

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/stats"
	"github.com/sendoff/sendoff/internal/apidoc"
)

// Operations describes the routes of the dashboard.
func Operations() []apidoc.Operation {
	const tag = "Dashboard"
	who := map[int]apidoc.Response{200: {Type: sessionBody{}}}
	return []apidoc.Operation{
		{
			Method: http.MethodPost, Path: "/v1/session", Tag: tag, Summary: "Sign in", Public: true, Problems: true,
			Description: "Sets the cookie of a session, which ends 12 hours after its last use. Failed sign-ins are throttled.",
			Request:     apidoc.Request{Type: signInBody{}}, Responses: who,
		},
		{Method: http.MethodGet, Path: "/v1/session", Tag: tag, Summary: "Retrieve who is signed in", Problems: true, Responses: who},
		{
			Method: http.MethodDelete, Path: "/v1/session", Tag: tag, Summary: "Sign out", Public: true, Problems: true,
			Responses: map[int]apidoc.Response{204: {}},
		},
		{
			Method: http.MethodGet, Path: "/v1/session/login", Tag: tag, Summary: "Retrieve the demo login", Public: true,
			Description: "What the sign-in page is filled in with: empty, except for sendoff dev and a browser on the same machine.",
			Responses:   map[int]apidoc.Response{200: {Type: Login{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/session/password", Tag: tag, Summary: "Change one's password", Problems: true,
			Description: "Ends the user's other sessions.",
			Request:     apidoc.Request{Type: passwordBody{}}, Responses: map[int]apidoc.Response{204: {}},
		},
		{
			Method: http.MethodPost, Path: "/v1/invitations", Tag: tag, Summary: "Invite a user", Permission: "manage", Problems: true,
			Description: "Creates a user, unless user_id names one, and a one-time link with which the user sets a password. It is valid for 72 hours.",
			Request:     apidoc.Request{Type: inviteBody{}}, Responses: map[int]apidoc.Response{201: {Type: invitationBody{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/invitations/accept", Tag: tag, Summary: "Accept an invitation", Public: true, Problems: true,
			Description: "Sets the password, and signs in.",
			Request:     apidoc.Request{Type: acceptBody{}}, Responses: who,
		},
		{
			Method: http.MethodGet, Path: "/v1/stats", Tag: "Account", Summary: "Retrieve figures", Permission: "view_messages", Problems: true,
			Description: "The figures of the dashboard's overview. They are bounded reads: what is many is estimated from a sample.",
			Parameters:  []apidoc.Parameter{apidoc.Query("range", "string", "hour (the default), day or month.")},
			Responses:   map[int]apidoc.Response{200: {Type: stats.Stats{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/playground", Tag: tag, Summary: "List the endpoints of the playground", Problems: true,
			Responses: map[int]apidoc.Response{200: {Type: endpointsBody{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/playground", Tag: tag, Summary: "Make a request as an API key", Problems: true,
			Description: "For signed-in users: the request is made as the chosen key, with the rights that both the user and the key have. " +
				"It sends nothing unless simulate is false.",
			Request: apidoc.Request{Type: playBody{}}, Responses: map[int]apidoc.Response{200: {Type: playedBody{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/messages/{id}/deliveries", Tag: "Messages", Summary: "List a message's webhook deliveries",
			Permission: "view_messages", Problems: true, Description: "Of every event of the message at every endpoint, oldest first.",
			Responses: map[int]apidoc.Response{200: {Type: admin.Page[*admin.Delivery]{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/{id}/share", Tag: "Messages", Summary: "Share a message", Permission: "view_messages", Problems: true,
			Description: "Returns a link that shows the message's timeline to everybody who has it, with number and content masked.",
			Request:     apidoc.Request{Type: shareBody{}}, Responses: map[int]apidoc.Response{201: {Type: linkBody{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/share/{token}", Tag: "Messages", Summary: "Retrieve a shared message", Public: true, Problems: true,
			Responses: map[int]apidoc.Response{200: {Type: sharedBody{}}},
		},
	}
}
