// Package socialone implements Socialone's API: one approved WhatsApp template to
// one recipient (page "API Key & Template Messaging").
package socialone

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

const (
	keyHeader = "x-api-key"
	sendPath  = "/api/v1/messages/api/send-message"
)

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "socialone",
		Header:     keyHeader,
		Credential: dialect.HeaderKey(keyHeader),
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: sendPath + "/", Decode: decode, Accept: accept, Doc: routeDoc("send a template")},
			{
				Method: http.MethodPost, Path: sendPath, Decode: decode, Accept: accept,
				Doc: routeDoc("send a template (also with a slash at the end of the path)"),
			},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// decode reads the request. Five fields are mandatory; variables may be [].
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	d := dispatch.Draft{
		To: recipient(o),
		Content: dispatch.Content{
			Type:     dispatch.TypeTemplate,
			Template: &dispatch.TemplateUse{TemplateID: requiredID(o, "template_id")},
		},
		Channel: strconv.FormatInt(requiredID(o, "social_account_id"), 10),
		Kind:    "whatsapp",
		Variables: &dispatch.Variables{
			List: o.Strings("variables"),
		},
	}
	file := o.Object("media_file")
	d.Variables.HeaderMediaURL, d.Variables.HeaderFilename = file.Text("url"), file.Text("name")
	if !o.Has("variables") {
		o.Fault("variables", "is required; send [] when the template has none")
	}
	o.Hold(&d, fields)
	return []dispatch.Draft{d}, nil
}

// fields maps the page's fields to ours where accept checks them, too.
var fields = dialect.Pointers{
	"/country_code": "/to/country_code", "/phone_number": "/to", "/social_account_id": "/channel", "/template_id": "/template",
	"/variables": "/template/variables", "/media_file": "/template/header_media_url",
}

// recipient joins the country code, which may have its plus sign, and the
// number without it.
func recipient(o dialect.Object) string {
	given := strings.TrimSpace(o.Required("country_code"))
	country := strings.TrimPrefix(given, "+")
	if given != "" && (country == "" || strings.Trim(country, "0123456789") != "" || len(country) > 3) {
		o.Fault("country_code", "must be digits, such as 91")
	}
	number := strings.TrimSpace(o.Required("phone_number"))
	if phone.RepeatsCode(country, number) {
		o.Fault("phone_number", "begins with the country code; leave it out, since country_code has it")
	}
	return "+" + country + number
}

// requiredID reads one of our integer ids.
func requiredID(o dialect.Object, key string) int64 {
	if !o.Has(key) {
		o.Fault(key, "is required")
	}
	return o.ID(key)
}
