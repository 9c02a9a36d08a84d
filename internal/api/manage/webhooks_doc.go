package manage

import (
	"net/http"
	"time"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Operations describes the routes that huma does not serve.
func Operations() []apidoc.Operation {
	var all []apidoc.Operation
	add := func(method, path, summary, text string, body any, status int, answer any) {
		all = append(all, apidoc.Operation{
			Method: method, Path: "/v1/webhooks" + path, Tag: "Webhooks", Summary: summary, Description: text, Permission: "manage", Problems: true,
			Request: apidoc.Request{Type: body}, Responses: map[int]apidoc.Response{status: {Type: answer}},
		})
	}
	type queued struct {
		Delivery dispatch.ID `json:"delivery_id"`
	}
	type span struct {
		From time.Time `json:"from" doc:"At most 31 days before to."`
		To   time.Time `json:"to" doc:"Left out in a request: now."`
	}
	type token struct {
		AccountSID string `json:"account_sid"`
		AuthToken  string `json:"auth_token"`
	}
	add(http.MethodGet, "", "List endpoints", "", nil, 200, middleware.List[webhookView]{})
	add(http.MethodPost, "", "Make an endpoint", "The secret is shown in this answer only. format: standard (Standard Webhooks), meta, twilio or kaleyra.", webhookFields{}, 201, webhookView{})
	add(http.MethodGet, "/{id}", "Show an endpoint", "", nil, 200, webhookView{})
	add(http.MethodPatch, "/{id}", "Change an endpoint", "", webhookFields{}, 200, webhookView{})
	add(http.MethodDelete, "/{id}", "Delete an endpoint", "", nil, 204, nil)
	add(http.MethodPost, "/{id}/enable", "Enable an endpoint again", "After failures or a 410 have disabled it.", nil, 200, webhookView{})
	add(http.MethodPost, "/{id}/rotate", "Give an endpoint a new secret", "The old one signs beside it for 24 h.", nil, 200, webhookView{})
	add(http.MethodPost, "/{id}/test", "Send a test event", "", nil, 202, queued{})
	add(http.MethodPost, "/{id}/replay", "Send the events of a time range again", "", span{}, 202, span{})
	add(http.MethodGet, "/{id}/deliveries", "List deliveries with request and response", "Newest first.", nil, 200, middleware.List[deliveryView]{})
	add(http.MethodPost, "/{id}/deliveries/{delivery}/replay", "Send one delivery again", "", nil, 202, queued{})
	add(http.MethodGet, "/twilio-token", "Show what signs StatusCallbacks in Twilio's form", "", nil, 200, token{})
	return all
}
