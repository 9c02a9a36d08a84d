// Package template resolves and validates message templates: their definitions,
// their variables, and the values of a message.
package template

import (
	"encoding/json"
	"time"
)

// Style is how a vendor's templates are registered, and how their variables are
// numbered.
type Style int

// The styles.
const (
	// Common templates are known by name and language, and usable on every
	// channel without templates of its own. Each part numbers its variables.
	Common Style = iota
	// Own templates are the vendor's, known by its id. Each part numbers its
	// variables.
	Own
	// SharedNumbering is Own with one numbering over all parts, where the vendor
	// puts a one-time password into the button itself.
	SharedNumbering
)

// Own reports whether the vendor keeps templates of its own.
func (s Style) Own() bool { return s != Common }

// Template is an entry of the registry: a template that can be sent, with its
// definition.
type Template struct {
	ID      int64 `json:"id"`
	Account int64 `json:"-"`
	// Channel is 0 for a template of every WhatsApp channel of the account that
	// has no templates of its own.
	Channel            int64       `json:"channel_id,omitempty"`
	Provider           string      `json:"provider,omitempty"` // the vendor, if it keeps templates of its own; else empty
	Style              Style       `json:"-"`                  // of Provider; not stored
	Name               string      `json:"name"`
	Language           string      `json:"language"`
	Category           string      `json:"category"`         // authentication, utility, marketing
	Status             string      `json:"status"`           // approved, pending, rejected, paused, disabled
	ParameterFormat    string      `json:"parameter_format"` // positional or named
	ProviderTemplateID string      `json:"provider_template_id,omitempty"`
	Components         []Component `json:"components"`
	StatusReason       string      `json:"status_reason,omitempty"` // why the provider changed Status
	StatusAt           *time.Time  `json:"status_at,omitempty"`     // when it did
	Quality            string      `json:"quality,omitempty"`       // the provider's last word: green, yellow or red
	UsageCount         int64       `json:"usage_count"`
	CreatedAt          time.Time   `json:"created_at"`
	UpdatedAt          time.Time   `json:"updated_at"`

	prepared []slot // set by Prepare
}

// Prepare reads the definition once for all later uses of t, which must not be
// changed any more.
func (t *Template) Prepare() { t.prepared = t.read() }

// Component is one part of a template's definition, in Meta's form.
type Component struct {
	Type    string   `json:"type"`             // HEADER, BODY, FOOTER, BUTTONS, LIMITED_TIME_OFFER, CAROUSEL (stored upper case)
	Format  string   `json:"format,omitempty"` // of a header: TEXT, IMAGE, VIDEO, GIF, DOCUMENT, LOCATION, PRODUCT
	Text    string   `json:"text,omitempty"`
	Buttons []Button `json:"buttons,omitempty"`
	Cards   []Card   `json:"cards,omitempty"`              // of a carousel
	Offer   *Offer   `json:"limited_time_offer,omitempty"` // of a limited-time offer
	// Example holds the samples with which Meta reviewed the template.
	Example json.RawMessage `json:"example,omitempty"`
	// SecurityAdvice and CodeExpiration belong to authentication templates.
	SecurityAdvice *bool `json:"add_security_recommendation,omitempty"`
	CodeExpiration *int  `json:"code_expiration_minutes,omitempty"`
	// Variables are the names of the variables of Text in APIs that name them
	// (the external dialect), although the template itself is positional.
	Variables []string `json:"variables,omitempty"`
}

// Card is one card of a carousel: its header, body and buttons.
type Card struct {
	Components []Component `json:"components"`
}

// Offer is the line of a limited-time offer. With HasExpiration a message must
// tell when the offer ends.
type Offer struct {
	Text          string `json:"text"`
	HasExpiration *bool  `json:"has_expiration,omitempty"`
}

// expires reports whether a message must tell when the offer ends; o may be nil.
func (o *Offer) expires() bool { return o != nil && (o.HasExpiration == nil || *o.HasExpiration) }

// Button is a button of a template.
type Button struct {
	Type string `json:"type"` // QUICK_REPLY, URL, PHONE_NUMBER, COPY_CODE, OTP, FLOW, CATALOG, MPM, ...
	Text string `json:"text,omitempty"`
	URL  string `json:"url,omitempty"` // with {{1}} when it takes a parameter
	// PhoneNumber is the number that a PHONE_NUMBER button calls.
	PhoneNumber string          `json:"phone_number,omitempty"`
	Example     json.RawMessage `json:"example,omitempty"`
	ButtonDetails
}

// ButtonDetails is what Meta keeps of buttons for one-time passwords, flows and
// calls. It takes no part in a message.
type ButtonDetails struct {
	OTPType       string          `json:"otp_type,omitempty"`
	AutofillText  string          `json:"autofill_text,omitempty"`
	PackageName   string          `json:"package_name,omitempty"`
	SignatureHash string          `json:"signature_hash,omitempty"`
	SupportedApps json.RawMessage `json:"supported_apps,omitempty"`
	ZeroTapTerms  *bool           `json:"zero_tap_terms_accepted,omitempty"`
	FlowID        json.RawMessage `json:"flow_id,omitempty"` // a text, in some answers a number
	FlowName      string          `json:"flow_name,omitempty"`
	FlowJSON      string          `json:"flow_json,omitempty"`
	FlowAction    string          `json:"flow_action,omitempty"`
	Screen        string          `json:"navigate_screen,omitempty"`
	Icon          string          `json:"icon,omitempty"`
	TTL           *int            `json:"ttl_minutes,omitempty"`
	DeepLink      json.RawMessage `json:"app_deep_link,omitempty"`
}

// KeepNames takes over from known, an earlier version of t, the names of the
// positional variables of each text with as many variables: providers return
// none.
func (t *Template) KeepNames(known *Template) {
	for i := range t.Components {
		c := &t.Components[i]
		was := known.component(c.Type)
		if len(c.Variables) == 0 && was != nil && len(was.Variables) == len(placeholders(nil, c.Text)) {
			c.Variables = was.Variables
		}
	}
}
