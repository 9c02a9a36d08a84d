package openapi

import "github.com/sendoff/sendoff/internal/dispatch"

// problemCodes are the codes of problems (RFC 9457).
var problemCodes = []meaning{
	{string(dispatch.Invalid), "a field is missing or invalid; errors names every one"},
	{string(dispatch.Malformed), "the body or a header cannot be read"},
	{string(dispatch.Unauthorized), "the API key is missing, unknown, inactive or expired"},
	{string(dispatch.Forbidden), "the key lacks the permission"},
	{string(dispatch.NotFound), "there is no such record or route"},
	{string(dispatch.ChannelNotFound), "there is no such channel, or none fits"},
	{string(dispatch.TemplateNotFound), "there is no such template on the channel"},
	{string(dispatch.ContactNotFound), "there is no such contact"},
	{string(dispatch.Conflict), "the record's present state or another record forbids it"},
	{string(dispatch.InProgress), "the first request with this Idempotency-Key is still running; repeat it"},
	{string(dispatch.KeyReused), "this Idempotency-Key was used with another body"},
	{string(dispatch.UnsupportedType), "the channel cannot send this type of content"},
	{string(dispatch.OutsideWindow), "the recipient has not written in the last 24 hours: send a template"},
	{string(dispatch.Suppressed), "the recipient has opted out"},
	{string(dispatch.RateLimited), "a limit per second, minute or recipient is exceeded; see Retry-After"},
	{string(dispatch.DailyLimited), "the daily limit is exceeded; see Retry-After"},
	{string(dispatch.LowBalance), "the account has not enough credits"},
	{string(dispatch.TooLarge), "the body is too large"},
	{string(dispatch.MethodNotAllowed), "the path has no such method"},
	{string(dispatch.UnsupportedMedia), "the Content-Type is not one that the route reads"},
	{string(dispatch.CountryNotAllowed), "the key may not send to the recipient's country"},
	{string(dispatch.Overloaded), "the service is busy or its database unavailable; repeat the request"},
	{string(dispatch.InvalidState), "the state of the record forbids the action"},
	{string(dispatch.EmptyAudience), "nobody would get the campaign"},
	{string(dispatch.OutcomeUnknown), "it is not known whether the request was accepted; repeat it with the same Idempotency-Key"},
	{string(dispatch.Internal), "an error on our side; quote request_id"},
}

// failureCodes are the codes of messages that were not sent or not delivered.
var failureCodes = []meaning{
	{dispatch.FailRecipient, "not a number, not on WhatsApp, or unreachable"},
	{dispatch.FailSuppressed, "the recipient has opted out"},
	{dispatch.FailWindow, "free-form content, and the conversation window is closed"},
	{dispatch.FailTemplate, "the template is missing or its parameters are wrong"},
	{dispatch.FailPaused, "the provider has paused or disabled the template"},
	{dispatch.FailContent, "the provider refuses a parameter, a medium or the content"},
	{dispatch.FailCredentials, "the provider refuses the channel's credentials"},
	{dispatch.FailAccount, "the provider has blocked the account"},
	{dispatch.FailBalance, "the account at the provider has no credit"},
	{dispatch.FailThrottled, "the provider still throttled when its time was over"},
	{dispatch.FailProvider, "the provider failed until attempts or age were used up"},
	{dispatch.FailUnreachable, "the provider could not be reached"},
	{dispatch.FailUnclear, "the provider may or may not have it"},
	{dispatch.FailUndelivered, "accepted by the provider, then not delivered"},
	{dispatch.FailNotDelivered, "the provider chose not to deliver it"},
	{dispatch.FailExpired, "its expires_at has passed"},
	{dispatch.FailLate, "the recipient's window of a campaign has closed"},
	{dispatch.FailCapped, "the recipient has had enough of the campaigns' messages"},
	{dispatch.FailDelivered, "the first message of a retried campaign has arrived meanwhile"},
	{dispatch.FailInternal, "an error on our side"},
}
