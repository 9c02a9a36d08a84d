package dispatch

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Meta's limits, in characters (runes): Meta's pages say "characters" and count
// an emoji of one code point as one
// (developers.facebook.com/documentation/business-messaging/whatsapp/messages).
const (
	maxText     = 4096
	maxCaption  = 1024
	maxLink     = 2048
	maxContacts = 257 // "up to 257", although their OpenAPI file says 5
)

// Types lists every content type.
var Types = []Type{
	TypeText, TypeTemplate, TypeImage, TypeVideo, TypeAudio, TypeDocument, TypeSticker,
	TypeLocation, TypeContacts, TypeInteractive, TypeReaction,
}

// TypeRequired is the fault of a message without a type.
const TypeRequired = "is required: one of text, template, image, video, audio, document, sticker, location, contacts, interactive, reaction"

// Validate returns the faults of c under Meta's rules, which all WhatsApp
// channels share. It checks only the form of a template's values;
// template.Resolve checks whether they fit the template. For an SMS channel see
// ValidateSMS.
func (c *Content) Validate() Faults {
	var f Faults
	if !c.checkObjects(&f) {
		return f
	}
	switch c.Type {
	case TypeText:
		f.Text("/text/body", c.Text.Body, 1, maxText)
	case TypeTemplate:
		c.Template.validate(&f)
	case TypeLocation:
		c.Location.validate(&f, "/location")
	case TypeContacts:
		validateContacts(&f, c.Contacts)
	case TypeInteractive:
		c.Interactive.validate(&f)
	case TypeReaction:
		c.Reaction.validate(&f)
	default:
		c.MediaObject().Validate(&f, "/"+string(c.Type), c.Type)
	}
	if len(c.MoreMedia) > 0 {
		f.Add("/more_media", "only an SMS channel sends several files at once")
	}
	f.Text("/recipient_identity_key_hash", c.IdentityKeyHash, 0, 255)
	if c.Context != nil {
		f.Text("/context/message_id", c.Context.MessageID, 1, 1024)
	}
	return f
}

// checkObjects reports whether c has the object that its type names. It adds a
// fault for each other object.
func (c *Content) checkObjects(f *Faults) bool {
	found, known := false, false
	for _, t := range Types {
		known = known || t == c.Type
		switch has := c.has(t); {
		case has && t == c.Type:
			found = true
		case has && c.Type != "":
			f.Add("/"+string(t), "doesn't belong to a message of type %q", c.Type)
		}
	}
	switch {
	case c.Type == "":
		f.Add("/type", "is required")
	case !known:
		f.Add("/type", "%q is not one of %s", c.Type, joinTypes(Types))
	case !found:
		f.Add("/"+string(c.Type), "is required for a message of type %q", c.Type)
	}
	return found
}

// has reports whether the object of type t is set.
func (c *Content) has(t Type) bool {
	switch t {
	case TypeText:
		return c.Text != nil
	case TypeTemplate:
		return c.Template != nil
	case TypeImage:
		return c.Image != nil
	case TypeVideo:
		return c.Video != nil
	case TypeAudio:
		return c.Audio != nil
	case TypeDocument:
		return c.Document != nil
	case TypeSticker:
		return c.Sticker != nil
	case TypeLocation:
		return c.Location != nil
	case TypeContacts:
		return len(c.Contacts) > 0 && string(c.Contacts) != "null"
	case TypeInteractive:
		return c.Interactive != nil
	case TypeReaction:
		return c.Reaction != nil
	}
	return false
}

func joinTypes(types []Type) string {
	var b strings.Builder
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(t))
	}
	return b.String()
}

// validate checks a point; its coordinates may be numbers or numeric strings.
func (l *Location) validate(f *Faults, at string) {
	f.coordinate(at+"/latitude", l.Latitude, 90)
	f.coordinate(at+"/longitude", l.Longitude, 180)
	f.Text(at+"/name", l.Name, 0, 1000)
	f.Text(at+"/address", l.Address, 0, 1000)
}

func (f *Faults) coordinate(field string, n json.Number, limit float64) {
	if n == "" {
		f.Add(field, "is required")
		return
	}
	v, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || v != v || v < -limit || v > limit {
		f.Add(field, "must be a number from -%g to %g", limit, limit)
	}
}

// validateContacts checks a list of contact cards. Only the displayed name is
// required; the rest is passed on.
func validateContacts(f *Faults, raw json.RawMessage) {
	var cards []json.RawMessage
	if json.Unmarshal(raw, &cards) != nil {
		f.Add("/contacts", "must be an array of contacts")
		return
	}
	if len(cards) == 0 || len(cards) > maxContacts {
		f.Add("/contacts", "must hold 1 to %d contacts", maxContacts)
		return
	}
	for i, raw := range cards {
		var card struct {
			Name struct {
				FormattedName string `json:"formatted_name"`
			} `json:"name"`
		}
		if err := json.Unmarshal(raw, &card); err != nil {
			f.Add(Pointer("/contacts", i), "must be an object with name.formatted_name")
		} else if card.Name.FormattedName == "" {
			f.Add(Pointer("/contacts", i, "name", "formatted_name"), "is required")
		}
	}
}

// validate checks a reaction. An empty emoji removes an earlier one.
func (r *Reaction) validate(f *Faults) {
	f.Text("/reaction/message_id", r.MessageID, 1, 1024)
	f.Text("/reaction/emoji", r.Emoji, 0, 32) // one emoji, which may be joined of many runes
}

// Validate checks a file of type t. An image, a video and a document may have a
// caption, and a document a file name.
func (m *Media) Validate(f *Faults, at string, t Type) {
	switch {
	case m.ID == "" && m.Link == "":
		f.Add(at, "needs a link or an id")
	case m.ID != "" && m.Link != "":
		f.Add(at, "takes a link or an id, not both")
	case m.Link != "":
		f.Link(at+"/link", m.Link)
	}
	switch t {
	case TypeImage, TypeVideo, TypeDocument:
		f.Text(at+"/caption", m.Caption, 0, maxCaption)
	default:
		if m.Caption != "" {
			f.Add(at+"/caption", "%s takes no caption", t)
		}
	}
	if m.Voice && t != TypeAudio {
		f.Add(at+"/voice", "only an audio file can be a voice message")
	}
	if m.Filename != "" && t != TypeDocument {
		f.Add(at+"/filename", "only a document has a file name")
	}
}

// Link adds a fault unless s is an absolute http or https address of at most
// 2048 bytes.
func (f *Faults) Link(field, s string) {
	if len(s) > maxLink {
		f.Add(field, "is %d bytes long; at most %d are allowed", len(s), maxLink)
		return
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(s, " \"<>") {
		f.Add(field, "must be an absolute http or https address")
	}
}

// Text adds a fault if s has fewer or more characters (runes) than allowed.
func (f *Faults) Text(field, s string, least, most int) {
	if len(s) < least {
		f.Add(field, "is required")
		return
	}
	if len(s) <= most { // bytes: never fewer than runes
		return
	}
	if n := utf8.RuneCountInString(s); n > most {
		f.Add(field, "is %d characters long; at most %d are allowed", n, most)
	}
}

// Pointer returns a JSON pointer (RFC 6901): prefix, then members or indices.
func Pointer(prefix string, parts ...any) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, p := range parts {
		b.WriteByte('/')
		switch p := p.(type) {
		case int:
			b.WriteString(strconv.Itoa(p))
		case string:
			b.WriteString(pointerEscaper.Replace(p))
		}
	}
	return b.String()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
