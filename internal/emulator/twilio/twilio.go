// Package twilio emulates Twilio's Messages resource.
package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// vendorName is the name in dispatch.Channel.Provider.
const vendorName = "twilio"

// Vendor is Twilio's Messages resource: sends, the list and single
// messages, the account's own record, and callbacks signed with its token.
var Vendor = &engine.Vendor{
	Name:      vendorName,
	Owns:      func(path string) bool { return strings.HasPrefix(path, "/2010-04-01/") },
	Address:   func(ch *dispatch.Channel) string { return ch.Settings["account_sid"] },
	Read:      read,
	Reply:     reply,
	Callback:  callback,
	Inbound:   inbound,
	MaxBatch:  1,
	Remembers: true,
}

const whatsAppPrefix = "whatsapp:"

// shown is what Twilio shows again of a message.
type shown struct {
	account, from, service, body string
	media                        int
}

var (
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	contentForm = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)
)

func read(s *engine.Server, r *http.Request, body []byte) (*engine.Send, engine.Answer) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/")
	account, rest, _ := strings.Cut(strings.TrimSuffix(rest, ".json"), "/")
	if !ok || !strings.HasSuffix(r.URL.Path, ".json") {
		return nil, notFound(r)
	}
	chs := channels(s, r, account)
	if len(chs) == 0 {
		return nil, refusal(http.StatusUnauthorized, 20003, "Authenticate")
	}
	single, one := strings.CutPrefix(rest, "Messages/")
	switch {
	case r.Method == http.MethodPost && rest == "Messages":
		return readSend(chs, body)
	case r.Method == http.MethodGet && rest == "Messages":
		return nil, list(s, r, account)
	case r.Method == http.MethodGet && rest == "":
		return nil, engine.JSON(http.StatusOK, map[string]string{"sid": account, "status": "active", "friendly_name": "Emulator", "type": "Full"})
	case r.Method == http.MethodGet && one && len(single) == 34:
		if m := s.Sent(single[2:]); m != nil && m.Memo.(*shown).account == account {
			return nil, engine.JSON(http.StatusOK, resource(m, time.Now()))
		}
	}
	return nil, notFound(r)
}

// channels are the account's channels whose credentials came with the
// request: the account's token, or the channel's own API key.
func channels(s *engine.Server, r *http.Request, account string) []*dispatch.Channel {
	user, password, _ := r.BasicAuth()
	var chs []*dispatch.Channel
	for _, ch := range s.Channels(vendorName, account) {
		key := ch.Settings["api_key_sid"]
		if (user == account && password == ch.Secrets["auth_token"]) || (key != "" && user == key && password == ch.Secrets["api_key_secret"]) {
			chs = append(chs, ch)
		}
	}
	return chs
}

// readSend refuses what Twilio refuses whatever the recipient.
func readSend(chs []*dispatch.Channel, body []byte) (*engine.Send, engine.Answer) {
	f, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refusal(http.StatusBadRequest, 21602, "The body is no form")
	}
	to, whatsApp := strings.CutPrefix(f.Get("To"), whatsAppPrefix)
	content, media := f.Get("ContentSid"), len(f["MediaUrl"])
	switch {
	case to == "":
		return nil, refusal(http.StatusBadRequest, 21604, "A 'To' phone number is required.")
	case !numberForm.MatchString(to):
		return nil, refusal(http.StatusBadRequest, 21211, "Invalid 'To' Phone Number: "+to)
	case f.Get("Body") == "" && content == "" && media == 0:
		return nil, refusal(http.StatusBadRequest, 21602, "Message body is required.")
	case len([]rune(f.Get("Body"))) > 1600:
		return nil, refusal(http.StatusBadRequest, 21617, "The concatenated message body exceeds the 1600 character limit")
	case content != "" && !contentForm.MatchString(content):
		return nil, refusal(http.StatusBadRequest, 21655, "The ContentSid is Invalid")
	case f.Has("ContentVariables") && !validVariables(f.Get("ContentVariables")):
		return nil, refusal(http.StatusBadRequest, 21656, "The ContentVariables Parameter is invalid")
	case media > 10:
		return nil, refusal(http.StatusBadRequest, 21623, "Number of media files exceeds allowed limit")
	case f.Has("StatusCallback") && !validAddress(f.Get("StatusCallback")):
		return nil, refusal(http.StatusBadRequest, 21609, "Invalid 'StatusCallback' URL")
	}
	i := slices.IndexFunc(chs, func(ch *dispatch.Channel) bool { return sendsBy(ch, f, whatsApp) })
	if i < 0 {
		if whatsApp {
			return nil, refusal(http.StatusBadRequest, 63007, "Twilio could not find a Channel with the specified From address")
		}
		return nil, refusal(http.StatusBadRequest, 21606, "The 'From' phone number provided is not a valid, message-capable Twilio phone number")
	}
	m := &engine.Send{Channel: chs[i], To: to, CallbackURL: f.Get("StatusCallback"), Memo: &shown{
		account: chs[i].Settings["account_sid"], from: f.Get("From"), service: f.Get("MessagingServiceSid"), body: f.Get("Body"), media: media,
	}}
	if u, err := url.Parse(m.CallbackURL); err == nil {
		m.Ref = u.Query().Get("id") // only to tell repeated calls for one message
	}
	return m, engine.Answer{}
}

// sendsBy reports whether a message of the form goes out by the channel.
func sendsBy(ch *dispatch.Channel, f url.Values, whatsApp bool) bool {
	if ch.WhatsApp() != whatsApp {
		return false
	}
	if service := f.Get("MessagingServiceSid"); service != "" {
		return service == ch.Settings["messaging_service_sid"]
	}
	return strings.TrimPrefix(f.Get("From"), whatsAppPrefix) == ch.Sender
}

// reply words an outcome; the 500 is the 20500 that may have been
// processed.
func reply(m *engine.Send, o engine.Outcome) engine.Answer {
	switch o {
	case engine.Throttled:
		return refusal(http.StatusTooManyRequests, 20429, "Too Many Requests")
	case engine.Failing:
		return refusal(http.StatusInternalServerError, 20500, "An internal server error has occurred")
	case engine.Invalid:
		return refusal(http.StatusBadRequest, 21211, "Invalid 'To' Phone Number: "+m.To)
	}
	return engine.JSON(http.StatusCreated, resource(m, m.At))
}

// refusal is the error body.
func refusal(status, code int, message string) engine.Answer {
	return engine.JSON(status, map[string]any{
		"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status,
	})
}

func notFound(r *http.Request) engine.Answer {
	return refusal(http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
}

// sidOf is the message's id: MM for one with media.
func sidOf(m *engine.Send) string {
	if m.Memo.(*shown).media > 0 {
		return "MM" + m.ID
	}
	return "SM" + m.ID
}

// statusOf is Twilio's word for a status and the code of a failure.
func statusOf(m *engine.Send, st dispatch.Status) (word string, code int) {
	switch {
	case st == 0 && m.Memo.(*shown).service != "":
		return "accepted", 0
	case st == 0:
		return "queued", 0
	case st == dispatch.Failed && m.Channel.WhatsApp():
		return "failed", 63024
	case st == dispatch.Failed:
		return "undelivered", 30003
	}
	return st.String(), 0
}

// recipient is the recipient as Twilio writes it.
func recipient(m *engine.Send) string {
	if m.Channel.WhatsApp() {
		return whatsAppPrefix + m.To
	}
	return m.To
}

// resource is the Message as it stands now. Nothing that a client may
// lean on is left out; numbers are texts and times RFC 2822, as Twilio's.
func resource(m *engine.Send, now time.Time) map[string]any {
	memo, st := m.Memo.(*shown), m.StatusAt(now)
	word, code := statusOf(m, st)
	uri := "/2010-04-01/Accounts/" + memo.account + "/Messages/" + sidOf(m)
	r := map[string]any{
		"sid": sidOf(m), "account_sid": memo.account, "messaging_service_sid": nil, "from": nil, "to": recipient(m), "body": memo.body,
		"status": word, "num_segments": "1", "num_media": fmt.Sprint(memo.media), "direction": "outbound-api", "api_version": "2010-04-01",
		"price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil, "date_sent": nil,
		"date_created": m.At.UTC().Format(time.RFC1123Z), "date_updated": now.UTC().Format(time.RFC1123Z),
		"uri": uri + ".json", "subresource_uris": map[string]string{"media": uri + "/Media.json"},
	}
	if memo.service != "" {
		r["messaging_service_sid"] = memo.service
	}
	if memo.service == "" || st != 0 { // the service has chosen a sender by then
		r["from"] = memo.sender(m.Channel)
	}
	if code != 0 {
		r["error_code"], r["error_message"] = code, "Emulated failure"
	}
	if st != 0 {
		r["date_sent"] = m.Base.UTC().Format(time.RFC1123Z)
	}
	return r
}

// sender is the From of the message, also where the service chose it.
func (memo *shown) sender(ch *dispatch.Channel) string {
	switch {
	case memo.from != "":
		return memo.from
	case ch.WhatsApp():
		return whatsAppPrefix + ch.Sender
	}
	return ch.Sender
}

func callback(ch *dispatch.Channel, to string, es []engine.Event) engine.Callback {
	e := es[0]
	memo := e.Memo.(*shown)
	word, code := statusOf(e.Send, e.Status)
	f := url.Values{
		"MessageSid": {sidOf(e.Send)}, "SmsSid": {sidOf(e.Send)}, "MessageStatus": {word}, "SmsStatus": {word},
		"AccountSid": {memo.account}, "From": {memo.sender(ch)}, "To": {recipient(e.Send)}, "ApiVersion": {"2010-04-01"},
	}
	if memo.service != "" {
		f.Set("MessagingServiceSid", memo.service)
	}
	if code != 0 {
		f.Set("ErrorCode", fmt.Sprint(code))
	}
	if ch.WhatsApp() {
		f.Set("ChannelPrefix", "whatsapp")
	} else if e.Status == dispatch.Delivered {
		f.Set("RawDlrDoneDate", e.When.UTC().Format("0601021504"))
	}
	if e.Status == dispatch.Read {
		f.Set("EventType", "READ")
	}
	return signed(ch, to, f)
}

func inbound(ch *dispatch.Channel, to string, in engine.Inbound) engine.Callback {
	sid := "SM" + in.ID
	f := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {ch.Settings["account_sid"]},
		"From": {in.From}, "To": {ch.Sender},
		"Body": {in.Text}, "NumMedia": {"0"}, "NumSegments": {"1"}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
	}
	if ch.WhatsApp() {
		f.Set("From", whatsAppPrefix+in.From)
		f.Set("To", whatsAppPrefix+ch.Sender)
		f.Set("ProfileName", "Emulated Contact")
		f.Set("WaId", in.From[1:])
		f.Set("MessageType", "text")
	}
	return signed(ch, to, f)
}

// signed signs a form with the account's token: the address without its
// fragment, then every name and value in the order of names. It is written
// apart from the client's own, so that one checks the other.
func signed(ch *dispatch.Channel, to string, f url.Values) engine.Callback {
	signed, _, _ := strings.Cut(to, "#")
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		signed += name + f.Get(name) // no name is repeated here
	}
	mac := hmac.New(sha1.New, []byte(ch.Secrets["auth_token"]))
	_, _ = mac.Write([]byte(signed))
	return engine.Callback{Body: []byte(f.Encode()), Header: [][2]string{
		{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"},
		{"X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}}
}
