package admin

// Help has the help texts of flags by the names in their struct tags, which have
// no room for them.
var Help = map[string]string{
	"admin_flags_secretkey":       "Encrypts provider credentials. Must be the key of serve and work.",
	"admin_password_passwordfile": "File with the password (or SENDOFF_USER_PASSWORD, or a prompt).",
	"admin_keyfields_permission": "send_template, send_text, send_media, view_templates, view_messages, " +
		"manage (administration) or credits (top up, switch charging). Default: all but manage and credits.",
	"admin_channelshow_reveal": "Show what must be entered at the provider: the complete callback address and the verify " +
		"token. Credentials are never shown.",
	"admin_createchannel_sender": "The number that messages come from, as +15550001111; for SMS also a short code or a name. Required.",
	"admin_createchannel_window": "Who refuses free-form content outside the conversation window: Sendoff (enforce, the " +
		"default) or the provider (provider).",
	"admin_channelupdate_set": "A setting, as base_url=https://...; an empty value removes it.",
	"admin_accountupdate_keep": "Days for which records are kept, as messages=30. Records: messages, events, attempts, " +
		"webhook_deliveries, audit_log, inbound.",
	"admin_accountupdate_redactdays":   "Days after which content and numbers are removed from messages; 0: with the message.",
	"admin_channelupdate_overlap":      "How long the old callback address stays valid; 0s: not at all. Default: 24h.",
	"admin_policyflags_maxage":         "A message is not retried once it has been due for so long; 0s: until it expires.",
	"admin_policyflags_messaginglimit": "Unique users outside conversation windows in 24 hours; -1: unlimited, 0: not known.",
	"admin_policyflags_price":          "Price in credits, as marketing=0.05 (or utility, authentication, default). Other prices stay.",
	"admin_templateupdate_status": "The provider's status: approved, pending, rejected, paused or disabled. Only approved " +
		"templates can be sent.",
	"admin_policyflags_resolvewindow": "How long an unknown outcome waits for a callback, by lane (otp, normal, bulk), " +
		"as otp=10s.",
	"admin_policyflags_unknownretries": "How often a message with an unknown outcome is sent again, by lane, as normal=1.",
	"admin_keyfields_defaultregion":    "Country, as US, whose national numbers the key may send to; \"\": that of the account.",
	"admin_keyfields_perrecipienthour": "Messages per recipient and hour; 0: no limit; default: 5 one-time passwords, " +
		"no limit for other messages.",
}
