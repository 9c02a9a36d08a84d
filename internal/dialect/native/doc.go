package native

import (
	"time"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// SendRequest describes what Decode reads.
type SendRequest struct {
	Channel       apidoc.Any            `json:"channel,omitempty" doc:"The id or key of a channel. Default: the account's default channel."`
	To            string                `json:"to" required:"true" doc:"The recipient's number in international format, with or without +."`
	Type          string                `json:"type" required:"true" enum:"text,template,image,video,audio,document,sticker,location,contacts,interactive,reaction"`
	Text          *dispatch.Text        `json:"text,omitempty"`
	Template      *TemplateRequest      `json:"template,omitempty"`
	Image         *dispatch.Media       `json:"image,omitempty"`
	Video         *dispatch.Media       `json:"video,omitempty"`
	Audio         *dispatch.Media       `json:"audio,omitempty"`
	Document      *dispatch.Media       `json:"document,omitempty"`
	Sticker       *dispatch.Media       `json:"sticker,omitempty"`
	Location      *dispatch.Location    `json:"location,omitempty"`
	Contacts      apidoc.Any            `json:"contacts,omitempty" doc:"Contacts as in Meta's Cloud API."`
	Interactive   *dispatch.Interactive `json:"interactive,omitempty"`
	Reaction      *dispatch.Reaction    `json:"reaction,omitempty"`
	Context       *dispatch.Context     `json:"context,omitempty" doc:"The message that this one replies to, sent through this channel or received on it: our id or the provider's."`
	MoreMedia     []dispatch.Media      `json:"more_media,omitempty" doc:"Further files of an MMS."`
	SendAt        *time.Time            `json:"send_at,omitempty"`
	ExpiresAt     *time.Time            `json:"expires_at,omitempty" doc:"No attempt starts after this time. Default: 5 minutes (otp), 24 hours (normal) or 72 hours (bulk) after send_at."`
	TTLSeconds    int64                 `json:"ttl_seconds,omitempty" minimum:"1" maximum:"31622400" doc:"Alternative to expires_at: seconds after send_at."`
	Lane          string                `json:"lane,omitempty" enum:"otp,normal,bulk" doc:"Default: otp for authentication templates, otherwise normal."`
	Reference     string                `json:"reference,omitempty" maxLength:"255" doc:"Your own reference. Returned with the message and in webhooks."`
	Metadata      apidoc.Object         `json:"metadata,omitempty" doc:"Any JSON object. Returned with the message."`
	Simulate      bool                  `json:"simulate,omitempty" doc:"Validate the request without storing or sending the message."`
	Contact       *dispatch.ContactSave `json:"contact,omitempty" doc:"Saves the recipient as a contact."`
	UserID        string                `json:"user_id,omitempty" doc:"The id of the team member who sends the message."`
	Fallback      []apidoc.Any          `json:"fallback,omitempty" doc:"Messages to try in order if this one fails or expires. Each has the fields of a message, without to."`
	FallbackAfter int64                 `json:"fallback_after_seconds,omitempty" doc:"Also send the fallback if the message is not delivered this many seconds after it was due."`
}

// TemplateRequest describes the template of a SendRequest.
type TemplateRequest struct {
	ID                 int64                      `json:"id,omitempty" doc:"The id of a template. Alternative to name."`
	Name               string                     `json:"name,omitempty"`
	Language           apidoc.Any                 `json:"language,omitempty" doc:"en, or {\"code\": \"en\"}. Optional if the template exists in one language only."`
	Variables          apidoc.Any                 `json:"variables,omitempty" doc:"Values: an array in order, or an object by name."`
	HeaderMediaURL     string                     `json:"header_media_url,omitempty"`
	Components         []dialect.ComponentRequest `json:"components,omitempty" doc:"Alternative to variables: components as in Meta's Cloud API."`
	ProviderTemplateID string                     `json:"provider_template_id,omitempty" doc:"The id of a template that the provider keeps."`
}
