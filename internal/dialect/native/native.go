// Package native reads the message format of our own API. It is the strictest
// of the formats: an unknown field is a fault, so that a misspelled one is not
// silently ignored.
package native

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// message is a send request on the wire.
type message struct {
	Channel         channelRef            `json:"channel"`
	To              recipient             `json:"to"`
	Type            dispatch.Type         `json:"type"`
	Text            *dispatch.Text        `json:"text"`
	Template        *template             `json:"template"`
	Image           *dispatch.Media       `json:"image"`
	Video           *dispatch.Media       `json:"video"`
	Audio           *dispatch.Media       `json:"audio"`
	Document        *dispatch.Media       `json:"document"`
	Sticker         *dispatch.Media       `json:"sticker"`
	Location        *dispatch.Location    `json:"location"`
	Contacts        json.RawMessage       `json:"contacts"`
	Interactive     *dispatch.Interactive `json:"interactive"`
	Reaction        *dispatch.Reaction    `json:"reaction"`
	Context         *dispatch.Context     `json:"context"`
	IdentityKeyHash string                `json:"recipient_identity_key_hash"`
	MoreMedia       []dispatch.Media      `json:"more_media"`
	SendAt          *time.Time            `json:"send_at"`
	ExpiresAt       *time.Time            `json:"expires_at"`
	TTLSeconds      *whole                `json:"ttl_seconds"`
	Lane            string                `json:"lane"`
	Reference       string                `json:"reference"`
	Metadata        json.RawMessage       `json:"metadata"`
	Simulate        bool                  `json:"simulate"`
	Contact         *dispatch.ContactSave `json:"contact"`
	UserID          string                `json:"user_id"`
	Fallback        []json.RawMessage     `json:"fallback"`
	// FallbackAfter sends the fallback also when no delivery came in time.
	FallbackAfter *whole `json:"fallback_after_seconds"`
}

type template struct {
	ID             whole                `json:"id"`
	Name           string               `json:"name"`
	Language       dispatch.Language    `json:"language"`
	Components     []dispatch.Component `json:"components"`
	Variables      json.RawMessage      `json:"variables"`
	HeaderMediaURL string               `json:"header_media_url"`
	// ProviderTemplateID names Twilio's or Gupshup's own templates.
	ProviderTemplateID string `json:"provider_template_id"`
}

// maxTTL is the longest ttl_seconds and fallback_after_seconds.
const maxTTL = 366 * 24 * 3600

// sendGrace is how long ago send_at may be: clocks differ, and requests take time.
const sendGrace = time.Minute

// channelRef is a channel's id or key.
type channelRef string

// UnmarshalJSON takes 1, "1" and "ch_...".
func (c *channelRef) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return &json.UnmarshalTypeError{Value: kindOf(b), Field: "channel"}
		}
		*c = channelRef(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(c))
}

// recipient is the number or another id of who gets the message.
type recipient string

// UnmarshalJSON takes "+4915..." and {"user_id": "DE..."}.
func (r *recipient) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return json.Unmarshal(b, (*string)(r))
	}
	var by struct {
		UserID string `json:"user_id"`
		Phone  string `json:"phone"`
		WaID   string `json:"wa_id"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&by); err != nil {
		return &json.UnmarshalTypeError{Value: "object", Type: reflect.TypeFor[string](), Field: "to"}
	}
	*r = recipient(cmp.Or(by.UserID, by.Phone, by.WaID))
	return nil
}

// Decode reads one message, or an entry of a fallback. The draft holds the faults
// of fields, such as a ttl_seconds out of bounds, which accept reports with its own.
func Decode(body []byte) (dispatch.Draft, error) {
	if d, ok := decodePlain(body); ok {
		if d.Metadata != nil || (d.Variables != nil && d.Variables.Named != nil) { // objects that it has taken as they are
			return d, dialect.CheckShape(body)
		}
		return d, nil
	}
	return decode(body)
}

func decode(body []byte) (dispatch.Draft, error) {
	var m message
	if err := Strict(body, &m); err != nil {
		return dispatch.Draft{}, err
	}
	return m.draft(), nil
}

// draft returns the message as it is accepted, with the faults of its fields.
func (m *message) draft() dispatch.Draft {
	d := dispatch.Draft{
		Channel: string(m.Channel), To: string(m.To), Lane: m.Lane, Reference: m.Reference, Simulate: m.Simulate,
		Contact: m.Contact, UserID: m.UserID, Fallback: m.Fallback,
		Content: dispatch.Content{
			Type: m.Type, Text: m.Text, Image: m.Image, Video: m.Video, Audio: m.Audio, Document: m.Document, Sticker: m.Sticker,
			Location: m.Location, Contacts: m.Contacts, Interactive: m.Interactive, Reaction: m.Reaction, Context: m.Context, MoreMedia: m.MoreMedia,
			IdentityKeyHash: m.IdentityKeyHash,
		},
	}
	if string(m.Metadata) != "null" {
		d.Metadata = m.Metadata
	}
	if m.SendAt != nil {
		d.SendAt, d.SendGrace = dialect.Given(*m.SendAt), sendGrace
	}
	if m.ExpiresAt != nil {
		d.ExpiresAt = dialect.Given(*m.ExpiresAt)
	}
	d.TTL = span(m.TTLSeconds, "/ttl_seconds", &d.Faults)
	d.FallbackAfter = span(m.FallbackAfter, "/fallback_after_seconds", &d.Faults)
	if err := m.template(&d); err != nil {
		d.Faults = append(d.Faults, dispatch.AsError(err).Faults...)
	}
	return d
}

// span returns a number of seconds as a duration: zero for nil, and with a fault for
// one out of bounds.
func span(seconds *whole, field string, faults *dispatch.Faults) time.Duration {
	switch {
	case seconds == nil:
		return 0
	case *seconds < 1 || *seconds > maxTTL:
		faults.Add(field, "must be between 1 and 31622400")
		return 0
	}
	return time.Duration(*seconds) * time.Second
}

func (m *message) template(d *dispatch.Draft) error {
	t := m.Template
	if t == nil {
		return nil
	}
	d.Content.Template = &dispatch.TemplateUse{
		TemplateID: int64(t.ID), Name: t.Name, Language: t.Language, Components: t.Components, ProviderTemplateID: t.ProviderTemplateID,
	}
	vars := bytes.TrimSpace(t.Variables)
	if len(vars) == 0 && t.HeaderMediaURL == "" || string(vars) == "null" {
		return nil
	}
	d.Variables = &dispatch.Variables{HeaderMediaURL: t.HeaderMediaURL}
	switch {
	case len(vars) == 0:
		return nil
	case len(t.Components) > 0:
		return dispatch.InvalidField("/template/variables", "cannot be combined with components")
	case vars[0] == '[':
		list, err := texts[[]scalar](vars)
		for _, s := range list {
			d.Variables.List = append(d.Variables.List, string(s))
		}
		if d.Variables.List == nil {
			d.Variables.List = []string{}
		}
		return err
	case vars[0] == '{':
		named, err := texts[map[string]scalar](vars)
		d.Variables.Named = make(map[string]string, len(named))
		for k, s := range named {
			d.Variables.Named[k] = string(s)
		}
		return err
	}
	return dispatch.InvalidField("/template/variables", "must be an array or an object of strings")
}

func texts[T any](raw []byte) (T, error) {
	var v T
	if json.Unmarshal(raw, &v) != nil {
		return v, dispatch.InvalidField("/template/variables", "must have strings or numbers as values")
	}
	return v, nil
}

// scalar is a text, or a number taken as its text.
type scalar string

// UnmarshalJSON takes "9.90" and 9.90.
func (s *scalar) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		*s = scalar(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(s))
}

// Strict reads JSON into v: one value, no unknown fields. The error names the
// place.
func Strict(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return dispatch.Errorf(dispatch.Malformed, "the body is empty; a JSON object is expected")
	}
	if !storable.JSONTexts(body) {
		return dispatch.Errorf(dispatch.Malformed, "the body must be UTF-8 without NUL characters")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if json.Valid(body) {
			if fault := faultIn(body, reflect.TypeOf(v)); fault != nil {
				return andShape(fault, body)
			}
		}
		return jsonError(err)
	}
	if oddName(body) {
		if err := faultIn(body, reflect.TypeOf(v)); err != nil {
			return andShape(err, body)
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return dispatch.Errorf(dispatch.Malformed, "there is more after the JSON value")
	}
	return dialect.CheckShape(body)
}

// andShape returns the refusal err of a body with what dialect.CheckShape finds besides.
func andShape(err error, body []byte) error {
	found := dispatch.Faults(dispatch.AsError(err).Faults)
	if at, fault := storable.Shape(body); fault != "" {
		found = slices.Concat(found, dispatch.Faults{{Field: at, Msg: fault}}.Apart(found))
	}
	return found.Err()
}

func jsonError(err error) error {
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return dispatch.InvalidField("/"+strings.ReplaceAll(te.Field, ".", "/"), "must be %s, not %s", kindName(te), te.Value)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return dispatch.Errorf(dispatch.Malformed, "not valid JSON at byte %d: %s", se.Offset, se.Error())
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return dispatch.InvalidField("/"+name, "unknown field %q", name)
	}
	if pe, ok := errors.AsType[*time.ParseError](err); ok {
		return dispatch.Errorf(dispatch.Invalid, "%q is not a time like 2026-01-02T15:04:05Z", strings.Trim(pe.Value, `"`))
	}
	return dispatch.Errorf(dispatch.Malformed, "not valid JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// kindOf names the kind of a JSON value as encoding/json does.
func kindOf(b []byte) string {
	switch b[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "bool"
}

func kindName(te *json.UnmarshalTypeError) string {
	if te.Type == nil {
		return "an id or a key"
	}
	switch te.Type.String() {
	case "string":
		return "a text"
	case "int", "int64":
		return "a whole number"
	case "bool":
		return "true or false"
	}
	if strings.HasPrefix(te.Type.String(), "[]") {
		return "a list"
	}
	return "an object"
}
