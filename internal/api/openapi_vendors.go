package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// What the vendors' requests and answers hold, for the description; the
// dialects read and write them. Names, types and what is mandatory are those of
// the vendors' pages (shared/seeds) and, where they are silent, SPEC 4's. Fields
// that a vendor has and we don't are ignored.

// idOrText is one of our integer ids, or the same as a string.
type idOrText string

// Schema says so.
func (idOrText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}}}
}

// componentRequest is dispatch.Component, whose index clients also write as a
// number.
type componentRequest struct {
	Type       string               `json:"type" required:"true" enum:"header,body,button"`
	SubType    string               `json:"sub_type,omitempty" doc:"Of a button: url, quick_reply, copy_code, flow, catalog."`
	Index      idOrText             `json:"index,omitempty" doc:"Of a button: 0 to 9."`
	Parameters []dispatch.Parameter `json:"parameters,omitempty"`
}

// texts are values by name.
type texts map[string]string

// Schema describes an object of strings.
func (texts) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: &huma.Schema{Type: huma.TypeString}}
}

// errorOrNull is a message's dispatch.ViewError, or null.
type errorOrNull struct{}

// Schema says so.
func (errorOrNull) Schema(huma.Registry) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.Schema{
		Type: huma.TypeObject, Nullable: true, Required: []string{"code", "message"},
		Properties: map[string]*huma.Schema{"code": text, "provider_code": text, "message": text},
	}
}

// Page "API Key & Template Messaging".
type (
	socialoneRequest struct {
		_               struct{}        `additionalProperties:"true"`
		CountryCode     string          `json:"country_code" required:"true" doc:"The recipient's country code, with or without +."`
		PhoneNumber     string          `json:"phone_number" required:"true" doc:"The number without the country code."`
		TemplateID      idOrText        `json:"template_id" required:"true" doc:"A template's id here."`
		SocialAccountID idOrText        `json:"social_account_id" required:"true" doc:"The id of a WhatsApp channel here."`
		Variables       []string        `json:"variables" required:"true" nullable:"false" doc:"As many values as the template has variables, in order; [] when it has none."`
		MediaFile       *socialoneMedia `json:"media_file,omitempty" doc:"Fills the template's media header."`
	}
	socialoneMedia struct {
		URL string `json:"url" required:"true"`
	}
	socialoneAnswer struct {
		Status string `json:"status" required:"true" enum:"success"`
		Data   struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
			Status    string       `json:"status" required:"true" enum:"queued,scheduled"`
		} `json:"data" required:"true"`
	}
	socialoneFailure struct {
		Status  string              `json:"status" required:"true" enum:"error"`
		Message string              `json:"message" required:"true"`
		Errors  map[string][]string `json:"errors" required:"true" doc:"What is wrong, by field."`
	}
)

// Page "Comprehensive API Management Guide".
type (
	externalRequest struct {
		_            struct{} `additionalProperties:"true"`
		To           string   `json:"to" required:"true" doc:"In international form, with or without +."`
		TemplateName string   `json:"template_name" required:"true"`
		Language     string   `json:"language,omitempty" doc:"Mandatory unless the template has just one."`
		Variables    texts    `json:"variables,omitempty" doc:"Values by the names that the template's variables have here; by number where they have none."`
		Reference    string   `json:"reference,omitempty" maxLength:"255" doc:"Comes back in the status."`
		Simulate     bool     `json:"simulate,omitempty" doc:"Check everything and send nothing: 200, message_uuid null, status simulated."`
	}
	externalAnswer struct {
		Success bool `json:"success" required:"true" enum:"true"`
		Data    struct {
			MessageUUID *dispatch.ID `json:"message_uuid" required:"true"`
			Status      string       `json:"status" required:"true" enum:"queued,scheduled,simulated"`
			To          string       `json:"to" required:"true"`
		} `json:"data" required:"true"`
	}
	externalMessage struct {
		Success bool `json:"success" required:"true" enum:"true"`
		Data    struct {
			MessageUUID  dispatch.ID `json:"message_uuid" required:"true"`
			Status       string      `json:"status" required:"true" enum:"scheduled,queued,sending,sent,delivered,read,failed,expired,cancelled,unknown"`
			To           string      `json:"to" required:"true"`
			TemplateName *string     `json:"template_name" required:"true"`
			Reference    *string     `json:"reference" required:"true"`
			CreatedAt    time.Time   `json:"created_at" required:"true"`
			SentAt       *time.Time  `json:"sent_at" required:"true"`
			DeliveredAt  *time.Time  `json:"delivered_at" required:"true"`
			ReadAt       *time.Time  `json:"read_at" required:"true"`
			FailedAt     *time.Time  `json:"failed_at" required:"true"`
			Error        errorOrNull `json:"error" required:"true"`
		} `json:"data" required:"true"`
	}
	externalTemplates struct {
		Success bool               `json:"success" required:"true" enum:"true"`
		Data    []externalTemplate `json:"data" required:"true" nullable:"false"`
	}
	externalTemplate struct {
		ID        int64    `json:"id" required:"true"`
		Name      string   `json:"name" required:"true"`
		Language  string   `json:"language" required:"true"`
		Category  string   `json:"category" required:"true"`
		Status    string   `json:"status" required:"true"`
		Variables []string `json:"variables" required:"true" nullable:"false"`
	}
	externalFailure struct {
		Success bool `json:"success" required:"true" enum:"false"`
		Error   struct {
			Code    string `json:"code" required:"true"`
			Message string `json:"message" required:"true"`
		} `json:"error" required:"true"`
	}
)

// Page "Sending messages via API".
type (
	aisouleRequest struct {
		_               struct{}              `additionalProperties:"true"`
		To              string                `json:"to" required:"true" doc:"In international form, with or without +."`
		Type            string                `json:"type" required:"true" enum:"text,template,image,video,document,audio,interactive"`
		Text            string                `json:"text,omitempty" maxLength:"4096" doc:"Of a text message. Within the 24-hour window only, as media and interactive messages."`
		Template        *aisouleTemplate      `json:"template,omitempty"`
		Image           *aisouleMedia         `json:"image,omitempty"`
		Video           *aisouleMedia         `json:"video,omitempty"`
		Document        *aisouleMedia         `json:"document,omitempty"`
		Audio           *aisouleMedia         `json:"audio,omitempty"`
		Interactive     *dispatch.Interactive `json:"interactive,omitempty"`
		WhatsAppAccount idOrText              `json:"whatsapp_account,omitempty" doc:"A WhatsApp channel's id or key; left out: the account's default channel."`
	}
	aisouleTemplate struct {
		Name       string             `json:"name" required:"true"`
		Language   loose              `json:"language" required:"true" doc:"en, or Meta's {\"code\": \"en\"}."`
		Components []componentRequest `json:"components,omitempty"`
	}
	aisouleMedia struct {
		URL      string `json:"url" required:"true"`
		Caption  string `json:"caption,omitempty" maxLength:"1024" doc:"Not of audio."`
		Filename string `json:"filename,omitempty" doc:"Of a document."`
	}
	aisouleAnswer struct {
		Data struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
			Status    string       `json:"status" required:"true" enum:"queued,scheduled"`
		} `json:"data" required:"true"`
	}
	aisouleFailure struct {
		Message string `json:"message" required:"true"`
		Status  string `json:"status" required:"true" enum:"error"`
	}
)

// Page "Send message".
type (
	sociocsRequest struct {
		_             struct{}         `additionalProperties:"true"`
		Provider      string           `json:"provider" required:"true" enum:"twlo,twlowa,gswa" doc:"The channel's: Twilio SMS, Twilio WhatsApp, Gupshup WhatsApp."`
		ChannelKey    string           `json:"channel_key" required:"true" doc:"The channel's key here."`
		To            string           `json:"to" required:"true" doc:"In international form, with or without +."`
		Name          string           `json:"name,omitempty" doc:"The recipient's name, for contact_saving."`
		Text          string           `json:"text,omitempty" doc:"Mandatory without media and template."`
		ImageURL      string           `json:"image_url,omitempty" doc:"With twlo only, as all media."`
		ImageURLs     []string         `json:"image_urls,omitempty" maxItems:"10"`
		VideoURL      string           `json:"video_url,omitempty"`
		FileURL       string           `json:"file_url,omitempty"`
		Template      *sociocsTemplate `json:"template,omitempty" doc:"With twlowa and gswa."`
		ContactSaving *sociocsContact  `json:"contact_saving,omitempty" doc:"Save the recipient as a contact when the message is accepted."`
		Schedule      string           `json:"schedule,omitempty" doc:"ISO 8601 with an offset, such as 2006-01-02T15:04:05-04:00. Up to 60 s in the past: now."`
		UserID        string           `json:"user_id,omitempty" doc:"A team member's, from /team-members."`
	}
	sociocsTemplate struct {
		ID        string `json:"id" required:"true" doc:"Twilio's content SID or Gupshup's template id; it must be registered here."`
		Variables object `json:"variables,omitempty" doc:"twlowa: values by number. gswa: MEDIA_URL, and Header, Body, Buttons with values by number."`
	}
	sociocsContact struct {
		Save        bool   `json:"save,omitempty" doc:"Left out: false."`
		ListID      int64  `json:"list_id,omitempty" doc:"0: all contacts."`
		ExtraFields object `json:"extra_fields,omitempty"`
	}
	sociocsAnswer struct {
		Status string `json:"status" required:"true" enum:"success"`
		Data   struct {
			MessageID *dispatch.ID `json:"message_id" required:"true"`
		} `json:"data" required:"true"`
	}
	sociocsTeam struct {
		Status string          `json:"status" required:"true" enum:"success"`
		Data   []sociocsMember `json:"data" required:"true" nullable:"false"`
	}
	sociocsMember struct {
		UserID string `json:"user_id" required:"true"`
		Name   string `json:"name" required:"true"`
		Email  string `json:"email" required:"true"`
	}
	sociocsFault struct {
		Msg string `json:"msg" required:"true"`
	}
	sociocsFailure struct {
		Status string         `json:"status" required:"true" enum:"error"`
		Errors []sociocsFault `json:"errors" required:"true" nullable:"false" doc:"All faults at once."`
	}
)

// Page "Send Authentication Template Messages".
type (
	kaleyraRequest struct {
		_               struct{}       `additionalProperties:"true"`
		MessagingObject kaleyraMessage `json:"messaging_object" required:"true" doc:"Meta's message object."`
		ExtraInfo       *kaleyraInfo   `json:"extra_info,omitempty"`
	}
	kaleyraMessage struct {
		_                struct{} `additionalProperties:"true"`
		MessagingProduct string   `json:"messaging_product" required:"true" enum:"whatsapp"`
		RecipientType    string   `json:"recipient_type,omitempty" enum:"individual"`
		To               string   `json:"to" required:"true" doc:"In international form; several recipients are separated by commas. One bad one refuses all, repeats collapse."`
		MetaContent
	}
	kaleyraInfo struct {
		_        struct{} `additionalProperties:"true"`
		Ref      string   `json:"ref,omitempty" doc:"Comes back in status and webhooks, as ref1 and ref2; cut after 255 characters."`
		Ref1     string   `json:"ref1,omitempty"`
		Ref2     string   `json:"ref2,omitempty"`
		WaSource string   `json:"wa_source,omitempty" doc:"api, clevertap, zoho, webengage, shopify, leadsquared, responsys, braze, hubspot, salesforce, zapier, eloqua or moengage; anything else becomes api."`
	}
	kaleyraReceipt struct {
		To        string       `json:"to" required:"true"`
		MessageID *dispatch.ID `json:"message_id" required:"true"`
	}
	kaleyraAnswer struct {
		Code    string `json:"code" required:"true" enum:"WA202"`
		Message string `json:"message" required:"true"`
		Data    struct {
			MessageID *dispatch.ID     `json:"message_id" required:"true" doc:"The first recipient's."`
			Messages  []kaleyraReceipt `json:"messages" required:"true" nullable:"false" doc:"Every recipient's."`
		} `json:"data" required:"true"`
		Error struct{} `json:"error" required:"true"`
	}
	kaleyraFailure struct {
		Code    string `json:"code" required:"true" enum:"RBC001,WA401,WA-401,WA400,E110,WA429,WA404,WA405,WA409,WA422,WA500"`
		Message string `json:"message" required:"true"`
		Data    loose  `json:"data" required:"true" doc:"Empty: {}, of RBC001 []."`
		Error   texts  `json:"error" required:"true"`
	}
)

// Meta's Cloud API, Messages.
type (
	// MetaContent is what a message of Meta's form carries.
	MetaContent struct {
		Type        string                `json:"type,omitempty" enum:"text,template,image,video,audio,document,sticker,location,contacts,interactive,reaction" doc:"Left out: text."`
		Text        *dispatch.Text        `json:"text,omitempty"`
		Template    *metaTemplate         `json:"template,omitempty"`
		Image       *dispatch.Media       `json:"image,omitempty"`
		Video       *dispatch.Media       `json:"video,omitempty"`
		Audio       *dispatch.Media       `json:"audio,omitempty"`
		Document    *dispatch.Media       `json:"document,omitempty"`
		Sticker     *dispatch.Media       `json:"sticker,omitempty"`
		Location    *dispatch.Location    `json:"location,omitempty"`
		Contacts    loose                 `json:"contacts,omitempty"`
		Interactive *dispatch.Interactive `json:"interactive,omitempty"`
		Reaction    *dispatch.Reaction    `json:"reaction,omitempty"`
		Context     *dispatch.Context     `json:"context,omitempty" doc:"The message that this one answers: sent through this channel or received on it. Our id or the provider's."`
	}
	metaTemplate struct {
		Name     string `json:"name" required:"true"`
		Language struct {
			Code string `json:"code" required:"true"`
		} `json:"language" required:"true"`
		Components []componentRequest `json:"components,omitempty" doc:"Of an authentication template: the one-time password, at most 15 characters, in body and button."`
	}
	metaRequest struct {
		_                struct{} `additionalProperties:"true"`
		MessagingProduct string   `json:"messaging_product" required:"true" enum:"whatsapp"`
		RecipientType    string   `json:"recipient_type,omitempty" enum:"individual"`
		To               string   `json:"to,omitempty" doc:"Mandatory of a message; with or without +."`
		MetaContent
		Opaque    string `json:"biz_opaque_callback_data,omitempty" maxLength:"512" doc:"Comes back in webhooks."`
		Status    string `json:"status,omitempty" enum:"read" doc:"Marks message_id as read: answered, and kept nowhere."`
		MessageID string `json:"message_id,omitempty"`
	}
	metaRecipient struct {
		Input string `json:"input" required:"true"`
		WaID  string `json:"wa_id" required:"true"`
	}
	metaReceipt struct {
		ID     string `json:"id" required:"true" doc:"wamid. and our message id."`
		Status string `json:"message_status,omitempty"`
	}
	metaAnswer struct {
		MessagingProduct string          `json:"messaging_product" required:"true"`
		Contacts         []metaRecipient `json:"contacts" required:"true" nullable:"false"`
		Messages         []metaReceipt   `json:"messages" required:"true" nullable:"false"`
	}
	metaFailure struct {
		Error struct {
			Message string `json:"message" required:"true"`
			Type    string `json:"type" required:"true"`
			Code    int    `json:"code" required:"true"`
			Subcode int    `json:"error_subcode,omitempty"`
			Data    *struct {
				MessagingProduct string `json:"messaging_product" required:"true"`
				Details          string `json:"details" required:"true"`
			} `json:"error_data,omitempty"`
			TraceID   string `json:"fbtrace_id" required:"true"`
			Transient bool   `json:"is_transient,omitempty"`
		} `json:"error" required:"true"`
	}
)

// Twilio's message resource.
type (
	twilioRequest struct {
		_                   struct{} `additionalProperties:"true"`
		To                  string   `json:"To" required:"true" doc:"A number, or whatsapp: and a number."`
		From                string   `json:"From,omitempty" doc:"The sender of a channel here, of the same kind as To. Mandatory without MessagingServiceSid."`
		MessagingServiceSID string   `json:"MessagingServiceSid,omitempty" doc:"The one that is set on a channel here, or a channel's id or key."`
		Body                string   `json:"Body,omitempty" doc:"Mandatory without MediaUrl and ContentSid."`
		MediaURL            []string `json:"MediaUrl,omitempty" maxItems:"10"`
		ContentSID          string   `json:"ContentSid,omitempty" doc:"A content template that is registered here."`
		ContentVariables    string   `json:"ContentVariables,omitempty" doc:"A JSON object of values."`
		StatusCallback      string   `json:"StatusCallback,omitempty" doc:"Called with every status, signed."`
		SendAt              string   `json:"SendAt,omitempty" doc:"ISO 8601; any time to come."`
		ScheduleType        string   `json:"ScheduleType,omitempty" enum:"fixed"`
		ValidityPeriod      int      `json:"ValidityPeriod,omitempty" minimum:"1" maximum:"36000" doc:"Seconds."`
	}
	twilioResource struct {
		SID                 string            `json:"sid" required:"true"`
		AccountSID          string            `json:"account_sid" required:"true"`
		MessagingServiceSID *string           `json:"messaging_service_sid" required:"true"`
		To                  string            `json:"to" required:"true"`
		From                *string           `json:"from" required:"true"`
		Body                string            `json:"body" required:"true"`
		Status              string            `json:"status" required:"true" enum:"scheduled,queued,sending,sent,delivered,undelivered,read,failed,canceled"`
		NumSegments         string            `json:"num_segments" required:"true"`
		NumMedia            string            `json:"num_media" required:"true"`
		Direction           string            `json:"direction" required:"true"`
		APIVersion          string            `json:"api_version" required:"true"`
		Price               *string           `json:"price" required:"true"`
		PriceUnit           string            `json:"price_unit" required:"true"`
		ErrorCode           *int              `json:"error_code" required:"true"`
		ErrorMessage        *string           `json:"error_message" required:"true"`
		DateCreated         string            `json:"date_created" required:"true" doc:"RFC 2822, as all dates."`
		DateSent            *string           `json:"date_sent" required:"true"`
		DateUpdated         string            `json:"date_updated" required:"true"`
		URI                 string            `json:"uri" required:"true"`
		SubresourceURIs     map[string]string `json:"subresource_uris" required:"true"`
	}
	twilioPage struct {
		Messages        []twilioResource `json:"messages" required:"true" nullable:"false"`
		Page            int              `json:"page" required:"true"`
		PageSize        int              `json:"page_size" required:"true"`
		Start           int              `json:"start" required:"true"`
		End             int              `json:"end" required:"true"`
		URI             string           `json:"uri" required:"true"`
		FirstPageURI    string           `json:"first_page_uri" required:"true"`
		PreviousPageURI *string          `json:"previous_page_uri" required:"true"`
		NextPageURI     *string          `json:"next_page_uri" required:"true"`
	}
	twilioFailure struct {
		Code     int    `json:"code" required:"true"`
		Message  string `json:"message" required:"true"`
		MoreInfo string `json:"more_info" required:"true"`
		Status   int    `json:"status" required:"true"`
	}
)
