package sociocs

import (
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// content reads what is sent: text, media or a template, as the provider
// allows them. The page requires text only if the others are absent; beside a
// template it is ignored.
func content(o dialect.Object, provider string) (dispatch.Content, *dispatch.Variables) {
	sms := provider == "twlo"
	text := o.Text("text")
	media := files(o)
	if vendors[provider].kind == "whatsapp" {
		for i, f := range media {
			if i == 0 || f.field != media[i-1].field { // a list is one fault
				o.Fault(f.field, "is supported only when provider is twlo")
			}
		}
	}
	switch {
	case o.Has("template") && sms:
		o.Fault("template", "is supported only when provider is twlowa or gswa")
	case o.Has("template"):
		return template(o, provider)
	case len(media) > maxMedia:
		o.Fault("image_urls", "has more than %d files for one message", maxMedia)
	case len(media) > 0:
		return withMedia(media, text), nil
	case strings.TrimSpace(text) == "" && !mistyped(o):
		o.Fault("text", "is required when there is no image_url, image_urls, video_url, file_url or template")
	}
	return dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: text}}, nil
}

// mistyped reports whether content is present but of the wrong type, so that text
// is not reported as missing too.
func mistyped(o dialect.Object) bool {
	for _, key := range []string{"text", "image_url", "video_url", "file_url"} {
		if raw := o.Raw(key); raw != nil && raw[0] != '"' {
			return true
		}
	}
	raw := o.Raw("image_urls")
	return raw != nil && raw[0] != '['
}

// maxMedia is the maximum number of files in one message at Twilio
// (twilio.com/docs/messaging/api/message-resource, MediaUrl).
const maxMedia = 10

// file is one media address with the field it came in.
type file struct {
	field string
	kind  dispatch.Type
	link  string
}

// files reads the four media fields. An empty URL counts as absent.
func files(o dialect.Object) []file {
	var out []file
	one := func(field string, kind dispatch.Type) {
		if link := o.Text(field); strings.TrimSpace(link) != "" {
			o.Link(field, link)
			out = append(out, file{field, kind, link})
		}
	}
	one("image_url", dispatch.TypeImage)
	for i, link := range o.Texts("image_urls") {
		o.Link("image_urls/"+strconv.Itoa(i), link)
		out = append(out, file{"image_urls", dispatch.TypeImage, link})
	}
	one("video_url", dispatch.TypeVideo)
	one("file_url", dispatch.TypeDocument)
	return out
}

// withMedia returns an MMS whose first file has the text as its caption.
func withMedia(media []file, text string) dispatch.Content {
	c := dispatch.Content{Type: media[0].kind}
	dialect.SetMedia(&c, &dispatch.Media{Link: media[0].link, Caption: text})
	for _, f := range media[1:] {
		c.MoreMedia = append(c.MoreMedia, dispatch.Media{Link: f.link})
	}
	return c
}

// template reads the provider's own template id and its variables: by name for
// Twilio ({"1": ...}), by part for Gupshup ({"MEDIA_URL", "Header", "Body",
// "Buttons"}).
func template(o dialect.Object, provider string) (dispatch.Content, *dispatch.Variables) {
	in := o.Object("template")
	if raw := o.Raw("template"); raw[0] != '{' {
		return dispatch.Content{Type: dispatch.TypeTemplate}, nil
	}
	c := dispatch.Content{Type: dispatch.TypeTemplate, Template: &dispatch.TemplateUse{ProviderTemplateID: in.Required("id")}}
	if provider == "gswa" {
		parts := in.Object("variables")
		return c, &dispatch.Variables{
			HeaderMediaURL: parts.Text("MEDIA_URL"),
			Header:         parts.Values("Header"),
			Body:           parts.Values("Body"),
			Buttons:        parts.Values("Buttons"),
		}
	}
	return c, &dispatch.Variables{Named: in.Values("variables")}
}
