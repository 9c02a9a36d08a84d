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
			Request:     example(signInBody{}, `{"email":"owner@example.com","password":"correct horse battery"}`), Responses: who,
		},
		{Method: http.MethodGet, Path: "/v1/session", Tag: tag, Summary: "Retrieve who is signed in", Problems: true, Responses: who},
		{
			Method: http.MethodDelete, Path: "/v1/session", Tag: tag, Summary: "Sign out", Public: true, Problems: true,
			Responses: map[int]apidoc.Response{204: {}},
		},
		{
			Method: http.MethodGet, Path: "/v1/session/login", Tag: tag, Summary: "Retrieve the demo login", Public: true, Problems: true,
			Description: "What the sign-in page is filled in with: empty, except for sendoff dev and a browser on the same machine.",
			Responses:   map[int]apidoc.Response{200: {Type: Login{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/session/password", Tag: tag, Summary: "Change one's password", Problems: true,
			Description: "Ends the user's other sessions.",
			Request:     example(passwordBody{}, `{"current_password":"correct horse battery","new_password":"staple staple staple"}`),
			Responses:   map[int]apidoc.Response{204: {}},
		},
		{
			Method: http.MethodPost, Path: "/v1/invitations", Tag: tag, Summary: "Invite a user", Permission: "manage", Problems: true,
			Description: "Creates a user, unless user_id names one, and a one-time link with which the user sets a password. " +
				"It is valid for 72 hours.",
			Request:   example(inviteBody{}, `{"name":"Bo","email":"bo@example.com","role":"sender"}`),
			Responses: map[int]apidoc.Response{201: {Type: invitationBody{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/invitations/accept", Tag: tag, Summary: "Accept an invitation", Public: true, Problems: true,
			Description: "Sets the password, and signs in.",
			Request:     example(acceptBody{}, `{"token":"inv_...","password":"correct horse battery"}`), Responses: who,
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
			Request: example(playBody{}, `{"key_id":1,"method":"POST","path":"/v1/messages","body":{"to":"+15550000100","type":"template",`+
				`"template":{"name":"hello_world","language":"en"}},"simulate":true}`), Responses: map[int]apidoc.Response{200: {Type: playedBody{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/messages/{id}/deliveries", Tag: "Messages", Summary: "List a message's webhook deliveries",
			Permission: "view_messages", Problems: true, Description: "Of every event of the message at every endpoint, oldest first.",
			Responses: map[int]apidoc.Response{200: {Type: admin.Page[*admin.Delivery]{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/messages/{id}/share", Tag: "Messages", Summary: "Share a message",
			Permission: "view_messages", Problems: true,
			Description: "Returns a link that shows the message's timeline to everybody who has it, with number and content masked.",
			Request:     example(shareBody{}, `{"hours":24}`), Responses: map[int]apidoc.Response{201: {Type: linkBody{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/share/{token}", Tag: "Messages", Summary: "Retrieve a shared message", Public: true, Problems: true,
			Responses: map[int]apidoc.Response{200: {Type: sharedBody{}}},
		},
	}
}

// example describes a body with an example.
func example(of any, text string) apidoc.Request {
	return apidoc.Request{Type: of, Examples: []string{text}}
}
