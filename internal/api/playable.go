package api

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/api/dashboard"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
)

// sessions returns the sessions that requests may carry, nil if there is no
// dashboard.
func sessions(o *Options) middleware.Sessions {
	if o.Dashboard.Sessions == nil {
		return nil
	}
	return &o.Dashboard
}

// playable returns what the dashboard's playground may call: what sends or reads
// messages, in our own format and those of vendors.
func playable(dialects []dialect.Dialect) []dashboard.Route {
	all := []dashboard.Route{}
	for _, path := range []string{"/v1/messages", "/v1/messages/:id", "/v1/messages/:id/events"} {
		all = append(all, dashboard.Route{Format: "native", Method: http.MethodGet, Path: path, Header: "Authorization", Prefix: "Bearer "})
	}
	all = append([]dashboard.Route{{
		Format: "native", Method: http.MethodPost, Path: "/v1/messages", Sends: true, Header: "Authorization", Prefix: "Bearer ",
		ExamplePath: "/v1/messages",
	}}, all...)
	for i := range dialects {
		d := &dialects[i]
		for k := range d.Routes {
			if rt := &d.Routes[k]; rt.Decode != nil || rt.Read != nil && rt.Method == http.MethodGet {
				all = append(all, playableRoute(d, rt))
			}
		}
	}
	return all
}

func playableRoute(d *dialect.Dialect, rt *dialect.Route) dashboard.Route {
	out := dashboard.Route{
		Format: d.Name, Method: rt.Method, Path: rt.Path, Sends: rt.Decode != nil, Header: d.Header,
		Form: strings.Contains(rt.Doc.Request.Media, "form"),
	}
	switch d.Doc.Security {
	case "bearer":
		out.Prefix = "Bearer "
	case "basic":
		out.Prefix = "Basic "
	}
	if len(rt.Doc.Request.Examples) > 0 {
		out.Example = rt.Doc.Request.Examples[0]
	}
	out.ExamplePath = d.SampleRequest(rt).URL.Path
	return out
}
