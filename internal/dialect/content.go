package dialect

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Content reads what a message carries in the form of Meta's Cloud API, which
// several vendors share: "type" (left out: text) names the field that holds it
// (developers.facebook.com/docs/whatsapp/cloud-api/reference/messages). Only
// the shape is checked.
func Content(o Object) dispatch.Content {
	c := dispatch.Content{Type: dispatch.TypeText}
	if o.Has("type") {
		c.Type = dispatch.Type(o.Text("type"))
	}
	key := string(c.Type)
	target := part(&c)
	switch {
	case key == "": // of a wrong type
		return c
	case target == nil:
		o.Fault("type", "is not a message type")
		return c
	case !o.Has(key):
		o.Fault(key, "is required")
		return c
	}
	before := len(*o.faults)
	o.loosen(key)
	o.Fill(key, target)
	if c.Template != nil { // our own ids are no part of Meta's form
		c.Template.TemplateID, c.Template.ProviderTemplateID = 0, ""
	}
	if len(*o.faults) == before {
		missing(o, key, &c)
	}
	c.IdentityKeyHash = o.Text("recipient_identity_key_hash")
	if o.Has("context") {
		c.Context = new(dispatch.Context)
		o.Fill("context", c.Context)
	}
	return c
}

// numericID is an id of a row, a button or a product that is written as a number.
var numericID = regexp.MustCompile(`("(?:id|product_retailer_id|catalog_id|flow_id)"\s*:\s*)(-?[0-9]+)([\s,}])`)

// writtenFlag is a preview_url that is written as a text.
var writtenFlag = regexp.MustCompile(`("preview_url"\s*:\s*)"(true|false)"`)

// loosen rewrites what Graph also takes: an object as a JSON text, ids that are
// numbers, and "preview_url":"true".
func (o Object) loosen(key string) {
	raw := o.Raw(key)
	if len(raw) == 0 {
		return
	}
	if raw[0] == '"' && key != string(dispatch.TypeText) {
		var text string
		if json.Unmarshal(raw, &text) != nil || !json.Valid([]byte(text)) {
			return // Fill names the fault
		}
		if !storable.JSONTexts([]byte(text)) {
			o.Fault(key, "must be UTF-8 without NUL characters")
			return
		}
		raw = json.RawMessage(text)
	}
	switch key {
	case string(dispatch.TypeInteractive):
		raw = numericID.ReplaceAll(raw, []byte(`$1"$2"$3`))
	case string(dispatch.TypeText):
		raw = writtenFlag.ReplaceAll(raw, []byte(`$1$2`))
	}
	o.fields[key] = raw
}

// part makes the part of c that its type names, nil for an unknown type.
func part(c *dispatch.Content) any {
	switch c.Type {
	case dispatch.TypeText:
		c.Text = new(dispatch.Text)
		return c.Text
	case dispatch.TypeTemplate:
		c.Template = new(dispatch.TemplateUse)
		return c.Template
	case dispatch.TypeLocation:
		c.Location = new(dispatch.Location)
		return c.Location
	case dispatch.TypeContacts:
		return (*list)(&c.Contacts)
	case dispatch.TypeInteractive:
		c.Interactive = new(dispatch.Interactive)
		return c.Interactive
	case dispatch.TypeReaction:
		c.Reaction = new(dispatch.Reaction)
		return c.Reaction
	}
	if !c.Type.Media() {
		return nil
	}
	m := new(dispatch.Media)
	SetMedia(c, m)
	return m
}

// SetMedia sets m as the medium of c's type.
func SetMedia(c *dispatch.Content, m *dispatch.Media) {
	switch c.Type {
	case dispatch.TypeImage:
		c.Image = m
	case dispatch.TypeVideo:
		c.Video = m
	case dispatch.TypeAudio:
		c.Audio = m
	case dispatch.TypeDocument:
		c.Document = m
	case dispatch.TypeSticker:
		c.Sticker = m
	}
}

// list is JSON that must be an array.
type list json.RawMessage

// UnmarshalJSON keeps an array unchanged.
func (l *list) UnmarshalJSON(b []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return err
	}
	*l = append((*l)[:0], b...)
	return nil
}

// missing notes the mandatory fields that c lacks.
func missing(o Object, key string, c *dispatch.Content) {
	need := func(field, value string) {
		if strings.TrimSpace(value) == "" {
			o.Fault(key+"/"+field, "is required")
		}
	}
	switch c.Type {
	case dispatch.TypeText:
		need("body", c.Text.Body)
	case dispatch.TypeTemplate:
		need("name", c.Template.Name)
		need("language/code", c.Template.Language.Code)
	case dispatch.TypeLocation:
		need("latitude", c.Location.Latitude.String())
		need("longitude", c.Location.Longitude.String())
	case dispatch.TypeInteractive:
		missingInteractive(o, key, c.Interactive)
	case dispatch.TypeReaction:
		need("message_id", c.Reaction.MessageID)
	default:
		if m := c.MediaObject(); m != nil && m.ID == "" {
			need("link", m.Link)
		}
	}
}

// missingInteractive notes what an interactive message lacks.
func missingInteractive(o Object, key string, i *dispatch.Interactive) {
	if strings.TrimSpace(i.Type) == "" {
		o.Fault(key+"/type", "is required")
	}
	if i.Action == nil {
		o.Fault(key+"/action", "is required")
	}
}
