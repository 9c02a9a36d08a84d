package api

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
)

// operations describes the routes that belong to no other package.
func operations() []apidoc.Operation {
	return append(callbackOperations(), []apidoc.Operation{
		{
			Method: http.MethodGet, Path: "/healthz", Tag: "Operation", Summary: "Liveness probe", Public: true,
			Responses: map[int]apidoc.Response{200: {Type: map[string]string{}}},
		},
		{
			Method: http.MethodGet, Path: "/readyz", Tag: "Operation", Summary: "Readiness probe", Public: true,
			Description: "200 if requests can be served; without Redis the status is degraded. 503 without Postgres.",
			Responses:   map[int]apidoc.Response{200: {Type: map[string]string{}}, 503: {Type: map[string]string{}}},
		},
		{
			Method: http.MethodGet, Path: "/metrics", Tag: "Operation", Summary: "Prometheus metrics", Public: true,
			Description: "404 unless SENDOFF_METRICS_TOKEN is set, which is then required as Bearer. SENDOFF_METRICS_LISTEN serves them " +
				"on an address of their own.",
			Responses: map[int]apidoc.Response{200: apidoc.Text("# HELP ..."), 401: {}, 404: {}},
		},
		{
			Method: http.MethodGet, Path: "/openapi.json", Tag: "Operation", Summary: "OpenAPI description of this API", Public: true,
			Responses: map[int]apidoc.Response{200: {Type: apidoc.Object{}, Example: `{}`}},
		},
		{
			Method: http.MethodGet, Path: "/docs", Tag: "Operation", Summary: "Documentation of this API", Public: true,
			Responses: map[int]apidoc.Response{200: apidoc.TextOf("text/html", "<!doctype html>...")},
		},
	}...)
}

func callbackOperations() []apidoc.Operation {
	const tag, text = "Callbacks", "Verified by the provider's signature, or by the secret in the URL."
	body := apidoc.Request{Type: apidoc.Object{}, Examples: []string{`{}`}}
	taken := map[int]apidoc.Response{200: apidoc.Text("OK"), 401: {}, 404: {}, 503: {}}
	var all []apidoc.Operation
	for _, tail := range []string{"", "/{secret}"} {
		path := "/callbacks/{provider}/{channel}" + tail
		all = append(
			all, apidoc.Operation{
				Method: http.MethodPost, Path: path, Tag: tag, Summary: "Receive statuses and inbound messages", Description: text, Public: true,
				Request: body, Responses: taken,
			}, apidoc.Operation{
				Method: http.MethodGet, Path: path, Tag: tag, Summary: "Verify the callback URL, or receive a callback sent with GET", Public: true,
				Responses: map[int]apidoc.Response{200: apidoc.Text("1158201444"), 403: {}, 404: {}},
			}, apidoc.Operation{
				Method: http.MethodPut, Path: path, Tag: tag, Summary: "Receive a callback sent with PUT", Public: true,
				Request: body, Responses: taken,
			},
		)
	}
	return all
}
