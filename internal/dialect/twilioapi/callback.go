package twilioapi

import (
	"encoding/hex"
	"net/url"
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Callback returns the fields of a status callback
// (twilio.com/docs/messaging/guides/track-outbound-message-status). They equal
// those of a GET of the message.
func Callback(account string, v *dispatch.View) url.Values {
	sid, word := "SM"+hex.EncodeToString(v.ID[:]), status(v)
	f := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {word}, "SmsStatus": {word},
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"},
		"From": {written(v.ChannelKind, v.Sender)}, "To": {written(v.ChannelKind, v.Recipient)},
	}
	if v.ChannelKind == "whatsapp" {
		f.Set("ChannelPrefix", "whatsapp")
		f.Set("ChannelToAddress", f.Get("To"))
	}
	if v.Status == dispatch.Read {
		f.Set("EventType", "READ")
	}
	if shows(v) {
		f.Set("ErrorCode", strconv.Itoa(*errorCode(v.Error)))
		f.Set("ErrorMessage", v.Error.Message)
	}
	return f
}

// Received returns the fields of an inbound message
// (twilio.com/docs/messaging/guides/webhook-request).
func Received(account, kind, sender string, id dispatch.ID, in *dispatch.Inbound) url.Values {
	sid := "SM" + hex.EncodeToString(id[:])
	f := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "SmsStatus": {"received"},
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"},
		"From": {written(kind, in.From)}, "To": {written(kind, sender)}, "Body": {in.Text}, "NumMedia": {"0"}, "NumSegments": {"1"},
	}
	if kind == "whatsapp" {
		f.Set("WaId", in.WaID)
		f.Set("ProfileName", in.Name)
	}
	return f
}
