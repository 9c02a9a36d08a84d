package openapi

// status values, of which some answers have a part.
var (
	scheduledMeaning = meaning{"scheduled", "waits for its send_at"}
	queuedMeaning    = meaning{"queued", "waits for a worker, its channel's rate or a retry; waits_for names it"}
	statusMeanings   = []meaning{
		scheduledMeaning, queuedMeaning,
		{"sending", "a worker calls the provider, or the outcome of a call is being looked up"},
		{"sent", "the provider has accepted it"},
		{"delivered", "it has reached the recipient"},
		{"read", "the recipient has opened it"},
		{"failed", "it was not sent or not delivered; error says why"},
		{"expired", "it was not sent before expires_at"},
		{"cancelled", "it was cancelled before it was sent"},
		{"unknown", "the provider may or may not have it; a late receipt still settles it"},
	}
	lanes = []meaning{
		{"otp", "one-time passwords, before all else"}, {"normal", "single messages"}, {"bulk", "campaigns, after all else"},
	}
	contentTypes = []meaning{
		{"text", "a text"},
		{"template", "an approved template with its variables"},
		{"image", "a picture"},
		{"video", "a video"},
		{"audio", "a sound or a voice note"},
		{"document", "a file"},
		{"sticker", "a sticker"},
		{"location", "a place"},
		{"contacts", "address cards"},
		{"interactive", "buttons, a list, products or a flow"},
		{"reaction", "an emoji on an earlier message"},
	}
	roles = []meaning{
		{"owner", "may do everything"},
		{"admin", "everything but change owners"},
		{"sender", "sends, campaigns and contacts"},
		{"viewer", "looks"},
	}
	permissions = []meaning{
		{"send_template", "send templates"},
		{"send_text", "send texts, interactive content, places, contacts and reactions"},
		{"send_media", "send images, videos, audio, documents and stickers"},
		{"view_templates", "read templates"},
		{"view_messages", "read messages, contacts and channels"},
		{"manage", "administer the account"},
		{"credits", "top up, and switch charging on and off"},
	}
	scopes = []meaning{
		{"all", "nothing is sent to the person"}, {"marketing", "marketing templates and campaigns are held back, all else is sent"},
	}
	categories = []meaning{
		{"authentication", "one-time passwords"}, {"utility", "about something the recipient did"}, {"marketing", "everything else"},
	}
	templateStatuses = []meaning{
		{"approved", "can be sent"},
		{"pending", "the provider has not decided"},
		{"rejected", "the provider has refused it"},
		{"paused", "the provider has paused it, for its quality"},
		{"disabled", "the provider has disabled it, or it is gone there"},
	}
	channelKinds = []meaning{{"whatsapp", "WhatsApp"}, {"sms", "SMS"}}
	windows      = []meaning{
		{"enforce", "free-form content outside the conversation window is refused here"}, {"provider", "the provider decides"},
	}
	eventNames = []meaning{
		{"message.scheduled", "a message waits for its send_at"},
		{"message.queued", "a message was accepted, or is due now"},
		{"message.sent", "the provider has accepted it"},
		{"message.delivered", "it has reached the recipient"},
		{"message.read", "the recipient has opened it"},
		{"message.failed", "it was not sent or not delivered"},
		{"message.expired", "it was not sent in time"},
		{"message.cancelled", "it was cancelled"},
		{"message.unknown", "the provider may or may not have it"},
		{"message.inbound", "a contact wrote"},
		{"campaign.finished", "every recipient of a campaign is sent or final"},
		{"channel.paused", "a channel stopped to send"},
		{"channel.resumed", "a channel sends again"},
	}
)

// enums are the closed sets of the native API. A set of an answer may get more
// values later.
var enums = []enum{
	{[]string{"View.status", "Brief.status", "CancelResult.status", "SharedBody.status"}, statusMeanings},
	{[]string{"Result.status"}, []meaning{scheduledMeaning, queuedMeaning, {"simulated", "it was only validated"}}},
	{[]string{"ReceiptBody.status"}, []meaning{scheduledMeaning, queuedMeaning, {"simulated", "it was only validated"}}},
	{[]string{"View.type", "SendRequest.type", "SharedBody.type"}, contentTypes},
	{[]string{"View.lane", "SendRequest.lane"}, lanes},
	{[]string{"View.waits_for"}, []meaning{
		{"worker", "a worker takes it next"},
		{"send_at", "its time has not come"},
		{"rate", "the channel's messages before it"},
		{"circuit", "the provider failed, and the channel is probed"},
		{"paused", "the channel is paused or disabled"},
		{"spacing", "the recipient got another message a moment ago"},
		{"window", "the conversation window has closed since; unless the recipient writes, the provider refuses it"},
		{"retry", "the last call failed, or its outcome is being looked up"},
		{"quiet_hours", "its campaign sends nothing at this hour"},
		{"canary", "the campaign's first messages are looked at (recipients of campaigns)"},
		{"budget", "the number's messaging limit is used up for now (recipients of campaigns)"},
		{"campaign", "its campaign is paused"},
	}},
	{[]string{"CampaignRecipient.waits_for"}, []meaning{
		{"worker", "a worker takes it next"},
		{"send_at", "its time has not come"},
		{"quiet_hours", "nothing is sent at this hour"},
		{"canary", "the campaign's first messages are looked at"},
		{"budget", "the number's messaging limit is used up for now"},
		{"rate", "the campaign's rate"},
		{"campaign", "the campaign is paused"},
		{"retry", "the last call failed, or its outcome is being looked up"},
	}},
	{[]string{"View.receipt"}, []meaning{{"none", "sent, and no receipt within 72 hours"}}},
	{[]string{"Problem.code", "LineError.code", "CancelResult.code"}, problemCodes},
	{[]string{"ViewError.code", "FailureGroup.code"}, failureCodes},
	{[]string{"Template.category", "TemplateCreate.category", "TemplateUpdate.category"}, categories},
	{[]string{"Template.status", "TemplateCreate.status", "TemplateUpdate.status"}, templateStatuses},
	{
		[]string{"Template.parameter_format", "TemplateCreate.parameter_format", "TemplateUpdate.parameter_format"},
		[]meaning{{"positional", "variables are numbered: {{1}}"}, {"named", "variables have names: {{order_id}}"}},
	},
	{[]string{"ComponentRequest.type"}, []meaning{
		{"header", "the header's variables or medium"}, {"body", "the body's variables"}, {"button", "a button's value"},
	}},
	{[]string{"Channel.kind", "ChannelState.kind", "ChannelCreate.kind"}, channelKinds},
	{[]string{"Channel.window", "ChannelCreate.window", "ChannelUpdate.window"}, windows},
	{[]string{"Health.state"}, []meaning{
		{"closed", "sends"}, {"open", "stopped after failures, and probed"}, {"paused", "stopped by hand"},
	}},
	{[]string{"ChannelReport.level"}, []meaning{
		{"ok", "nothing is wrong"}, {"warning", "messages are still sent"}, {"critical", "messages fail, or will"},
	}},
	{[]string{"Key.permissions", "KeyCreate.permissions", "KeyUpdate.permissions"}, permissions},
	{[]string{"User.role", "UserBody.role", "UserCreate.role", "UserUpdate.role", "InviteBody.role"}, roles},
	{[]string{"SessionBody.role"}, append(roles[:len(roles):len(roles)], meaning{"key", "an API key, not a user"})},
	{[]string{"Suppression.scope", "SuppressionCreate.scope"}, scopes},
	{[]string{"Suppression.reason"}, []meaning{
		{"stop", "the person asked for it"}, {"provider", "the provider reported it"}, {"manual", "an operator or a request did it"},
	}},
	{[]string{"Suppression.source"}, []meaning{
		{"message", "a stop word or button"},
		{"event", "the provider's own opt-out event"},
		{"refusal", "the provider refused a message for it"},
		{"operator", "a request of the API"},
		{"import", "an import"},
		{"number_change", "the person's number changed"},
	}},
	{[]string{"Webhook.events", "WebhookCreate.events", "WebhookUpdate.events"}, eventNames},
	{[]string{"Delivery.state"}, []meaning{
		{"pending", "a try is due"}, {"delivered", "the endpoint answered 2xx"}, {"failed", "no try is left, or the endpoint is gone"},
	}},
	{[]string{"LedgerEntry.kind"}, []meaning{
		{"debit", "a message was accepted"},
		{"refund", "it failed, expired or was cancelled"},
		{"refund_reversed", "it was delivered after all"},
		{"topup", "credits were added or taken away"},
	}},
	{[]string{"Import.kind"}, []meaning{
		{"contacts", "rows become contacts"}, {"suppressions", "rows are suppressed"}, {"audience", "rows become recipients of a campaign"},
	}},
	{[]string{"Import.status"}, []meaning{
		{"uploading", "bytes are being added"},
		{"running", "it is read"},
		{"done", "every row was read"},
		{"stopped", "too many of the first rows are bad; continue goes on"},
		{"failed", "the file cannot be read; error says why"},
		{"undone", "what it wrote was taken back"},
	}},
	{[]string{"Campaign.status"}, []meaning{
		{"draft", "can be edited"},
		{"scheduled", "waits for its start"},
		{"running", "sends"},
		{"paused", "sends nothing until it is resumed"},
		{"finished", "every recipient is sent or final"},
		{"cancelled", "sends nothing any more"},
	}},
	{[]string{"Campaign.limited_by"}, []meaning{
		{"rate", "its own rate"},
		{"quiet_hours", "the hour"},
		{"canary", "its first messages are looked at"},
		{"budget", "the number's messaging limit"},
		{"channel", "the channel's rate, pause or circuit"},
		{"nothing", "it sends as fast as it can"},
	}},
	{[]string{"CampaignRecipient.status", "CampaignPreview.status"}, []meaning{
		{"waiting", "its message is not made yet"},
		{"held", "its message waits for its hour or send_at"},
		{"queued", "its message is due"},
		{"sending", "a worker calls the provider"},
		{"sent", "the provider has accepted it"},
		{"held_for_quality", "the provider has it and assesses the template first"},
		{"delivered", "it has reached the recipient"},
		{"read", "the recipient has opened it"},
		{"failed", "it was not sent or not delivered"},
		{"unknown", "the provider may or may not have it"},
		{"expired", "it was not sent in time"},
		{"cancelled", "the campaign or the message was cancelled"},
		{"skipped", "nothing is sent; reason says why"},
	}},
	{[]string{"CampaignRecipient.reason", "CampaignPreview.reason", "CampaignProblem.reason"}, []meaning{
		{"suppressed", "the person has opted out"},
		{"duplicate", "the person came earlier in the audience"},
		{"bad_number", "the number cannot be read"},
		{"missing_field", "a field that the message uses is empty"},
		{"invalid_content", "the message with the recipient's fields cannot be sent"},
		{"capped", "the person has had enough messages"},
		{"late", "the recipient's window has closed"},
		{"outside_window", "free-form content, and the conversation window is closed"},
		{"delivered_meanwhile", "an earlier message has arrived"},
	}},
	{[]string{"CampaignValidation.status"}, []meaning{{"running", "rows are being checked"}, {"done", "every row was checked"}}},
	{[]string{"Erasure.status"}, []meaning{{"running", "records are being removed"}, {"done", "everything was removed"}}},
	{[]string{"Stats.range"}, []meaning{{"hour", "the last hour"}, {"day", "the last 24 hours"}, {"month", "the last 30 days"}}},
	{[]string{"PlayBody.method"}, []meaning{{"GET", "reads"}, {"POST", "sends, or simulates it"}}},
}
