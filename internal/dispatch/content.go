package dispatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"path"
)

// Type is the kind of content of a message, named as in Meta's Cloud API.
type Type string

// The content types.
const (
	TypeText        Type = "text"
	TypeTemplate    Type = "template"
	TypeImage       Type = "image"
	TypeVideo       Type = "video"
	TypeAudio       Type = "audio"
	TypeDocument    Type = "document"
	TypeSticker     Type = "sticker"
	TypeLocation    Type = "location"
	TypeContacts    Type = "contacts"
	TypeInteractive Type = "interactive"
	TypeReaction    Type = "reaction"
)

// Permission returns the permission that a key needs to send t.
func (t Type) Permission() string {
	switch t {
	case TypeTemplate:
		return "send_template"
	case TypeImage, TypeVideo, TypeAudio, TypeDocument, TypeSticker:
		return "send_media"
	}
	return "send_text"
}

// Media reports whether t is a media object.
func (t Type) Media() bool { return t.Permission() == "send_media" }

// Content is the content of a message: Type names the one field that is set.
// Its JSON form is Meta's.
type Content struct {
	Type        Type            `json:"type"`
	Text        *Text           `json:"text,omitempty"`
	Template    *TemplateUse    `json:"template,omitempty"`
	Image       *Media          `json:"image,omitempty"`
	Video       *Media          `json:"video,omitempty"`
	Audio       *Media          `json:"audio,omitempty"`
	Document    *Media          `json:"document,omitempty"`
	Sticker     *Media          `json:"sticker,omitempty"`
	Location    *Location       `json:"location,omitempty"`
	Contacts    json.RawMessage `json:"contacts,omitempty"`
	Interactive *Interactive    `json:"interactive,omitempty"`
	Reaction    *Reaction       `json:"reaction,omitempty"`
	Context     *Context        `json:"context,omitempty"`
	// IdentityKeyHash makes Meta deliver only while the recipient's identity is
	// the one that the hash stands for.
	IdentityKeyHash string `json:"recipient_identity_key_hash,omitempty"`
	// MoreMedia are further media links of an MMS (Twilio sends up to ten).
	MoreMedia []Media `json:"more_media,omitempty"`
}

// MediaObject returns the media object that Type names, or nil.
func (c *Content) MediaObject() *Media {
	switch c.Type {
	case TypeImage:
		return c.Image
	case TypeVideo:
		return c.Video
	case TypeAudio:
		return c.Audio
	case TypeDocument:
		return c.Document
	case TypeSticker:
		return c.Sticker
	}
	return nil
}

// Context is the message that this one replies to.
type Context struct {
	MessageID string `json:"message_id"`
}

// Text is a free-form text.
type Text struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url,omitempty"`
}

// Media is a file, by its link or by the provider's media id.
type Media struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
	Voice    bool   `json:"voice,omitempty"` // an audio file that is shown as a voice message
}

// Named reports whether the file has a name other than the last part of its link.
func (m *Media) Named() bool {
	u, err := url.Parse(m.Link)
	return m.Filename != "" && (err != nil || path.Base(u.Path) != m.Filename)
}

// Location is a point on a map.
type Location struct {
	Latitude  json.Number `json:"latitude"`
	Longitude json.Number `json:"longitude"`
	Name      string      `json:"name,omitempty"`
	Address   string      `json:"address,omitempty"`
}

// Reaction is an emoji on a message; an empty one removes it.
type Reaction struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"`
}

// Interactive is a message with buttons, a list or similar.
type Interactive struct {
	Type   string             `json:"type"`
	Header json.RawMessage    `json:"header,omitempty"`
	Body   *InteractiveText   `json:"body,omitempty"`
	Footer *InteractiveText   `json:"footer,omitempty"`
	Action *InteractiveAction `json:"action,omitempty"`
}

// InteractiveText is a body or footer.
type InteractiveText struct {
	Text string `json:"text"`
}

// InteractiveAction holds the buttons or the list. Name and Parameters are used
// by the other kinds (cta_url, flow, location_request_message), CatalogID and
// ProductRetailerID by products.
type InteractiveAction struct {
	Button            string          `json:"button,omitempty"`
	Buttons           []ReplyButton   `json:"buttons,omitempty"`
	Sections          []ListSection   `json:"sections,omitempty"`
	Name              string          `json:"name,omitempty"`
	Parameters        json.RawMessage `json:"parameters,omitempty"`
	CatalogID         string          `json:"catalog_id,omitempty"`
	ProductRetailerID string          `json:"product_retailer_id,omitempty"`
}

// ReplyButton is one of up to three buttons.
type ReplyButton struct {
	Type  string `json:"type"`
	Reply struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	} `json:"reply"`
}

// ListSection groups rows of a list, or products.
type ListSection struct {
	Title        string        `json:"title,omitempty"`
	Rows         []ListRow     `json:"rows,omitempty"`
	ProductItems []ProductItem `json:"product_items,omitempty"`
}

// ProductItem is one product of a catalog.
type ProductItem struct {
	ProductRetailerID string `json:"product_retailer_id"`
}

// ListRow is one choice of a list.
type ListRow struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

// TemplateUse is a template with its values. After template.Resolve it has
// Name, Language and full Components; clients may give Variables (and
// HeaderMediaURL) instead.
type TemplateUse struct {
	Name       string      `json:"name,omitempty"`
	Language   Language    `json:"language,omitzero"`
	Components []Component `json:"components,omitempty"`
	// TemplateID is the id in our registry.
	TemplateID int64 `json:"template_id,omitempty"`
	// ProviderTemplateID is Twilio's HX… or Gupshup's UUID.
	ProviderTemplateID string `json:"provider_template_id,omitempty"`
}

// Rich returns which of the parts that only Meta's own form has u holds (carousel,
// limited_time_offer, gif or product), or an empty string; u may be nil.
func (u *TemplateUse) Rich() string {
	if u == nil {
		return ""
	}
	for i := range u.Components {
		c := &u.Components[i]
		if c.Type == "carousel" || c.Type == "limited_time_offer" {
			return c.Type
		}
		for j := range c.Parameters {
			if p := &c.Parameters[j]; p.Type == "gif" || p.Type == "product" {
				return p.Type
			}
		}
	}
	return ""
}

// Language is a template's language; its code is like en or en_US.
type Language struct {
	Code string `json:"code"`
}

// UnmarshalJSON accepts "en" and Meta's {"code": "en"}. Meta's other member,
// policy, has one legal value and is dropped.
func (l *Language) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &l.Code)
	}
	var object struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	l.Code = object.Code
	return nil
}

// Component holds the values of one part of a template.
type Component struct {
	Type       string      `json:"type"` // header, body, button, limited_time_offer, carousel
	SubType    string      `json:"sub_type,omitempty"`
	Index      *Index      `json:"index,omitempty"`
	Parameters []Parameter `json:"parameters,omitempty"`
	Cards      []Card      `json:"cards,omitempty"` // of a carousel
}

// Card holds the values of one card of a carousel.
type Card struct {
	Index      *CardIndex  `json:"card_index"`
	Components []Component `json:"components"`
}

// CardIndex is a card's position, from 0. Clients write it as a number, as Meta
// does, or as a string.
type CardIndex int

// UnmarshalJSON accepts 0 and "0".
func (i *CardIndex) UnmarshalJSON(b []byte) error {
	n, ok := WholeNumber(bytes.Trim(b, `"`))
	if !ok {
		return errors.New("must be a whole number")
	}
	*i = CardIndex(n)
	return nil
}

// Index is a button's position, 0 to 9. Clients write it as a number or as a
// string; Meta's own examples use the string.
type Index string

// UnmarshalJSON accepts 0 and "0".
func (i *Index) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		s = n.String()
	}
	*i = Index(s)
	return nil
}

// Parameter is one value of a component.
type Parameter struct {
	Type          string          `json:"type"` // text, currency, date_time, image, video, document, payload, ...
	ParameterName string          `json:"parameter_name,omitempty"`
	Text          string          `json:"text,omitempty"`
	Payload       string          `json:"payload,omitempty"`
	Image         *Media          `json:"image,omitempty"`
	Video         *Media          `json:"video,omitempty"`
	Document      *Media          `json:"document,omitempty"`
	Location      *Location       `json:"location,omitempty"`
	Currency      json.RawMessage `json:"currency,omitempty"`
	DateTime      json.RawMessage `json:"date_time,omitempty"`
	Action        json.RawMessage `json:"action,omitempty"`
	CouponCode    string          `json:"coupon_code,omitempty"`
	GIF           *Media          `json:"gif,omitempty"`
	Product       *Product        `json:"product,omitempty"`
	Offer         *Offer          `json:"limited_time_offer,omitempty"`
}

// Product is the product of a catalog in a template's header.
type Product struct {
	ProductRetailerID string `json:"product_retailer_id"`
	CatalogID         string `json:"catalog_id,omitempty"`
}

// Offer is when a limited-time offer ends, in milliseconds since 1970.
type Offer struct {
	ExpirationTimeMS json.Number `json:"expiration_time_ms"`
}
