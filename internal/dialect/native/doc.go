package native

import (
	"time"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// SendRequest describes what Decode reads. A message expires 5 minutes (otp), 24
// hours (normal) or 72 hours (bulk) after send_at unless the request sets
// another time.
type SendRequest struct {
	Channel         apidoc.Any            `json:"channel,omitzero" doc:"The id or key of a channel. Default: the account's default."`
	To              apidoc.Any            `json:"to" required:"true" doc:"A phone number, or on Meta channels {\"user_id\": \"DE.2000\"}."`
	Type            apidoc.MessageType    `json:"type" required:"true" doc:"The type of content."`
	Text            *dispatch.Text        `json:"text,omitempty" doc:"Of type text."`
	Template        *TemplateRequest      `json:"template,omitempty" doc:"Of type template."`
	Image           *dispatch.Media       `json:"image,omitempty" doc:"Of type image."`
	Video           *dispatch.Media       `json:"video,omitempty" doc:"Of type video."`
	Audio           *dispatch.Media       `json:"audio,omitempty" doc:"Of type audio."`
	Document        *dispatch.Media       `json:"document,omitempty" doc:"Of type document."`
	Sticker         *dispatch.Media       `json:"sticker,omitempty" doc:"Of type sticker."`
	Location        *dispatch.Location    `json:"location,omitempty" doc:"Of type location."`
	Contacts        apidoc.Any            `json:"contacts,omitzero" doc:"Of type contacts, as in Meta's Cloud API."`
	Interactive     *dispatch.Interactive `json:"interactive,omitempty" doc:"Of type interactive."`
	Reaction        *dispatch.Reaction    `json:"reaction,omitempty" doc:"Of type reaction."`
	Context         *dispatch.Context     `json:"context,omitempty" doc:"The message that this one replies to."`
	IdentityKeyHash string                `json:"recipient_identity_key_hash,omitempty" maxLength:"255" doc:"Meta: to this identity only."`
	MoreMedia       []dispatch.Media      `json:"more_media,omitempty" doc:"Further files of an MMS."`
	SendAt          *time.Time            `json:"send_at,omitempty" doc:"Default: now."`
	ExpiresAt       *time.Time            `json:"expires_at,omitempty" doc:"No attempt starts later. Default: 5 m, 24 h or 72 h, by lane."`
	TTLSeconds      int64                 `json:"ttl_seconds,omitempty" minimum:"1" maximum:"31622400" doc:"Sets expires_at, after send_at."`
	Lane            string                `json:"lane,omitempty" enum:"otp,normal,bulk" doc:"Default: otp for authentication, else normal."`
	Reference       string                `json:"reference,omitempty" maxLength:"255" doc:"Your own text, returned and in webhooks."`
	Metadata        apidoc.Object         `json:"metadata,omitzero" doc:"Any JSON object. Returned with the message."`
	Simulate        bool                  `json:"simulate,omitempty" doc:"Validates only: nothing is stored or sent."`
	Contact         *dispatch.ContactSave `json:"contact,omitempty" doc:"Saves the recipient as a contact."`
	UserID          string                `json:"user_id,omitempty" doc:"The id of the team member who sends."`
	Fallback        []apidoc.Any          `json:"fallback,omitempty" doc:"Messages, without to, for when this one fails or expires."`
	FallbackAfter   int64                 `json:"fallback_after_seconds,omitempty" doc:"Falls back if not delivered so long after it was due."`
}

// TemplateRequest describes the template of a SendRequest.
type TemplateRequest struct {
	ID                 int64                      `json:"id,omitempty" doc:"The id of a template. Alternative to name."`
	Name               string                     `json:"name,omitempty" doc:"The name of a template."`
	Language           apidoc.Any                 `json:"language,omitzero" doc:"en, or {\"code\": \"en\"}. Optional if there is only one."`
	Variables          apidoc.Any                 `json:"variables,omitzero" doc:"An array in order, or an object by name."`
	HeaderMediaURL     string                     `json:"header_media_url,omitempty" doc:"The file of a media header."`
	Components         []dialect.ComponentRequest `json:"components,omitempty" doc:"Alternative to variables, as in Meta's Cloud API."`
	ProviderTemplateID string                     `json:"provider_template_id,omitempty" doc:"Of a template that the provider keeps."`
}
