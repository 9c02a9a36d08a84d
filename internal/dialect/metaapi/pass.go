package metaapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// vendor is the provider whose API this is.
const vendor = "meta"

// The settings of channels by which objects of the Graph API are known.
var (
	byNumber   = []string{"phone_number_id"}
	byBusiness = []string{"waba_id"}
	byEither   = []string{"phone_number_id", "waba_id"}
)

// maxMedia is the longest upload, in bytes: Meta's largest file, a document of 100
// MB, with the rest of its form
// (developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media).
const maxMedia = 100<<20 + 1<<20

// passed is a part of the Graph API whose requests are sent on to Meta.
type passed struct {
	method, suffix, permission string
	settings                   []string
	any                        bool // media, whose ids no channel has
	max                        int64
	doc                        dialect.RouteDoc
}

// passes lists what an SDK needs besides messages.
var passes = []passed{
	{method: http.MethodPost, suffix: "/media", permission: "send_media", settings: byNumber, max: maxMedia, doc: uploadDoc},
	{method: http.MethodGet, permission: "view_messages", settings: byEither, any: true, doc: objectDoc},
	{method: http.MethodDelete, permission: "send_media", settings: byNumber, any: true, doc: deleteDoc},
	{method: http.MethodGet, suffix: "/message_templates", permission: "view_templates", settings: byBusiness, doc: templatesDoc},
	{method: http.MethodPost, suffix: "/message_templates", permission: "manage", settings: byBusiness, doc: createTemplateDoc},
	{method: http.MethodDelete, suffix: "/message_templates", permission: "manage", settings: byBusiness, doc: deleteTemplateDoc},
	{method: http.MethodGet, suffix: "/phone_numbers", permission: "view_messages", settings: byBusiness, doc: numbersDoc},
	{method: http.MethodGet, suffix: profile, permission: "view_messages", settings: byNumber, doc: profileDoc},
	{method: http.MethodPost, suffix: profile, permission: "manage", settings: byNumber, doc: updateProfileDoc},
}

const profile = "/whatsapp_business_profile"

// passRoutes returns the routes of passes, with and without a version.
func passRoutes() []dialect.Route {
	var out []dialect.Route
	for _, p := range passes {
		for _, at := range []string{"/:version/:object", "/:object"} {
			doc := p.doc
			if at == "/:object" {
				doc.Summary += " (no version)"
			}
			out = append(out, dialect.Route{Method: p.method, Path: at + p.suffix, Permission: p.permission, Pass: p.call, Doc: doc})
		}
	}
	return out
}

// call returns the call that a request asks for. Of an object that no channel has,
// which may be anything that the token can see, it asks for no fields.
func (p *passed) call(r *http.Request) (dialect.Pass, error) {
	q := r.URL.Query()
	q.Del("access_token")
	if strings.Contains(q.Get("fields"), "access_token") {
		return dialect.Pass{}, dispatch.InvalidField("/fields", "must not ask for access tokens")
	}
	out := dialect.Pass{
		Provider: vendor, ID: r.PathValue("object"), Settings: p.settings, Any: p.any, Hint: q.Get("phone_number_id"), Suffix: p.suffix,
		Query: q, MaxBody: p.max,
	}
	if p.any && p.method == http.MethodDelete {
		out.Query = url.Values{}
	}
	return out, nil
}

// passRead returns the call by which Meta learns that a message was read.
func passRead(number string, o dialect.Object) func(id string) dialect.Pass {
	type typing struct {
		Type string `json:"type"`
	}
	body := struct {
		Product string  `json:"messaging_product"`
		Status  string  `json:"status"`
		Message string  `json:"message_id"`
		Typing  *typing `json:"typing_indicator,omitempty"`
	}{Product: "whatsapp", Status: "read"}
	if o.Has("typing_indicator") {
		body.Typing = &typing{"text"}
	}
	return func(id string) dialect.Pass {
		body.Message = id
		b, _ := json.Marshal(body) // texts can't fail
		return dialect.Pass{Provider: vendor, ID: number, Settings: byNumber, Suffix: "/messages", Body: b}
	}
}
