// Package kaleyra implements Kaleyra's WhatsApp API (page "Send Authentication
// Template Messages"): Meta's message object in an envelope of Kaleyra's own.
package kaleyra

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

const keyHeader = "api-key"

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "kaleyra",
		Header:     keyHeader,
		Credential: dialect.HeaderKey(keyHeader),
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: "/v2/:sid/whatsapp/:phone/messages", Decode: decode, Accept: accept, Doc: sendDoc},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// decode reads messaging_object and extra_info; several recipients make
// several drafts that share all else.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	if !o.Has("messaging_object") {
		o.Fault("messaging_object", "is required")
		info(o.Object("extra_info"), &dispatch.Draft{})
		return nil, o.Err()
	}
	in := o.Object("messaging_object")
	if product := in.Required("messaging_product"); product != "" && product != "whatsapp" {
		in.Fault("messaging_product", "must be whatsapp")
	}
	if kind := in.Text("recipient_type"); kind != "" && kind != "individual" {
		in.Fault("recipient_type", "must be individual")
	}
	shared := dispatch.Draft{
		Channel:    sender(r.PathValue("phone")),
		ChannelBy:  dispatch.BySender,
		Kind:       "whatsapp",
		AccountSID: r.PathValue("sid"),
		Content:    dialect.Content(in),
	}
	info(o.Object("extra_info"), &shared)
	to := recipients(in, dialect.RegionOf(r))
	o.Hold(&shared, fields)
	if len(to) == 0 { // which is a fault that the draft holds
		return []dispatch.Draft{shared}, nil
	}
	drafts := make([]dispatch.Draft, len(to))
	for i := range to {
		drafts[i] = shared
		drafts[i].To = to[i]
	}
	return drafts, nil
}

// fields maps the page's fields to ours where accept checks them, too.
var fields = dialect.Pointers{
	"/messaging_object/to": "/to", "/messaging_object/type": "/type", "/messaging_object/text": "/text",
	"/messaging_object/template": "/template", "/messaging_object/image": "/image", "/messaging_object/video": "/video",
	"/messaging_object/audio": "/audio", "/messaging_object/document": "/document", "/messaging_object/sticker": "/sticker",
	"/messaging_object/location": "/location", "/messaging_object/contacts": "/contacts", "/messaging_object/interactive": "/interactive",
	"/messaging_object/reaction": "/reaction", "/messaging_object/context": "/context",
	"/messaging_object/recipient_identity_key_hash": "/recipient_identity_key_hash",
	"/extra_info": "/metadata", "/extra_info/ref": "/reference",
}

// sender reads the number in the path, with or without its plus sign, which
// may also be percent-encoded. The page's parameter table calls it the end
// customer's; its error text ("does not belong to the account") and its
// examples show that it is the sending channel's.
func sender(phone string) string {
	if plain, err := url.PathUnescape(phone); err == nil {
		phone = plain
	}
	if phone != "" && strings.Trim(phone, "0123456789") == "" {
		return "+" + phone
	}
	return phone
}

// recipients splits to at its commas. Repeats collapse, however they are
// written; a blank one is as bad as any other that is no number.
func recipients(o dialect.Object, region string) []string {
	all := o.Required("to")
	if strings.TrimSpace(all) == "" {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for to := range strings.SplitSeq(all, ",") {
		to = strings.TrimSpace(to)
		number, err := phone.ParseIn(to, region)
		switch {
		case to == "":
			o.Fault("to", "has an empty number")
		case err != nil || !seen[number]: // the pipeline refuses what is no number
			out = append(out, to)
		}
		seen[number] = true
	}
	return out
}

// maxRef is the number of characters of ref, ref1 and ref2 that are kept.
const maxRef = 255

// sources are the values of wa_source that the page lists; any other counts as
// "api".
var sources = []string{
	"api", "clevertap", "zoho", "webengage", "shopify", "leadsquared", "responsys", "braze", "hubspot", "salesforce",
	"zapier", "eloqua", "moengage",
}

// info reads extra_info.
func info(o dialect.Object, d *dispatch.Draft) {
	d.Reference = cut(o.Text("ref"))
	meta := map[string]string{}
	for _, key := range []string{"ref1", "ref2"} {
		if o.Has(key) {
			meta[key] = cut(o.Text(key))
		}
	}
	if o.Has("wa_source") {
		source := strings.ToLower(o.Text("wa_source"))
		if !slices.Contains(sources, source) {
			source = "api"
		}
		meta["wa_source"] = source
	}
	if len(meta) > 0 {
		d.Metadata, _ = json.Marshal(meta) // strings can't fail
	}
}

// cut keeps the first maxRef characters.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxRef {
		return s
	}
	return string([]rune(s)[:maxRef])
}
