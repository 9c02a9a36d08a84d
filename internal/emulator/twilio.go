package emulator

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
)

// twilioFace is Twilio's Messages resource: sends, the list and single
// messages, the account's own record, and callbacks signed with its token.
var twilioFace = face{
	provider:  "twilio",
	owns:      func(path string) bool { return strings.HasPrefix(path, "/2010-04-01/") },
	address:   func(ch *dispatch.Channel) string { return ch.Settings["account_sid"] },
	read:      twilioRead,
	reply:     twilioReply,
	callback:  twilioCallback,
	inbound:   twilioInbound,
	maxBatch:  1,
	remembers: true,
}

const twilioWhatsApp = "whatsapp:"

// twilioMemo is what Twilio shows again of a message.
type twilioMemo struct {
	account, from, service, body string
	media                        int
}

var (
	twilioNumber  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	twilioContent = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)
)

func twilioRead(s *Server, r *http.Request, body []byte) (*send, answer) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/")
	account, rest, _ := strings.Cut(strings.TrimSuffix(rest, ".json"), "/")
	if !ok || !strings.HasSuffix(r.URL.Path, ".json") {
		return nil, twilioNotFound(r)
	}
	chs := twilioChannels(s, r, account)
	if len(chs) == 0 {
		return nil, twilioError(http.StatusUnauthorized, 20003, "Authenticate")
	}
	single, one := strings.CutPrefix(rest, "Messages/")
	switch {
	case r.Method == http.MethodPost && rest == "Messages":
		return twilioReadSend(chs, body)
	case r.Method == http.MethodGet && rest == "Messages":
		return nil, twilioList(s, r, account)
	case r.Method == http.MethodGet && rest == "":
		return nil, metaJSON(http.StatusOK, map[string]string{"sid": account, "status": "active", "friendly_name": "Emulator", "type": "Full"})
	case r.Method == http.MethodGet && one && len(single) == 34:
		if m := s.history.get(single[2:]); m != nil && m.memo.(*twilioMemo).account == account {
			return nil, metaJSON(http.StatusOK, twilioResource(m, time.Now()))
		}
	}
	return nil, twilioNotFound(r)
}

// twilioChannels are the account's channels whose credentials came with the
// request: the account's token, or the channel's own API key.
func twilioChannels(s *Server, r *http.Request, account string) []*dispatch.Channel {
	user, password, _ := r.BasicAuth()
	var chs []*dispatch.Channel
	for _, ch := range s.channels("twilio", account) {
		key := ch.Settings["api_key_sid"]
		if (user == account && password == ch.Secrets["auth_token"]) || (key != "" && user == key && password == ch.Secrets["api_key_secret"]) {
			chs = append(chs, ch)
		}
	}
	return chs
}

// twilioReadSend refuses what Twilio refuses whatever the recipient.
func twilioReadSend(chs []*dispatch.Channel, body []byte) (*send, answer) {
	f, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, twilioError(http.StatusBadRequest, 21602, "The body is no form")
	}
	to, whatsApp := strings.CutPrefix(f.Get("To"), twilioWhatsApp)
	content, media := f.Get("ContentSid"), len(f["MediaUrl"])
	switch {
	case to == "":
		return nil, twilioError(http.StatusBadRequest, 21604, "A 'To' phone number is required.")
	case !twilioNumber.MatchString(to):
		return nil, twilioError(http.StatusBadRequest, 21211, "Invalid 'To' Phone Number: "+to)
	case f.Get("Body") == "" && content == "" && media == 0:
		return nil, twilioError(http.StatusBadRequest, 21602, "Message body is required.")
	case len([]rune(f.Get("Body"))) > 1600:
		return nil, twilioError(http.StatusBadRequest, 21617, "The concatenated message body exceeds the 1600 character limit")
	case content != "" && !twilioContent.MatchString(content):
		return nil, twilioError(http.StatusBadRequest, 21655, "The ContentSid is Invalid")
	case f.Has("ContentVariables") && !twilioVariables(f.Get("ContentVariables")):
		return nil, twilioError(http.StatusBadRequest, 21656, "The ContentVariables Parameter is invalid")
	case media > 10:
		return nil, twilioError(http.StatusBadRequest, 21623, "Number of media files exceeds allowed limit")
	case f.Has("StatusCallback") && !twilioAddress(f.Get("StatusCallback")):
		return nil, twilioError(http.StatusBadRequest, 21609, "Invalid 'StatusCallback' URL")
	}
	i := slices.IndexFunc(chs, func(ch *dispatch.Channel) bool { return twilioSends(ch, f, whatsApp) })
	if i < 0 {
		if whatsApp {
			return nil, twilioError(http.StatusBadRequest, 63007, "Twilio could not find a Channel with the specified From address")
		}
		return nil, twilioError(http.StatusBadRequest, 21606, "The 'From' phone number provided is not a valid, message-capable Twilio phone number")
	}
	m := &send{ch: chs[i], to: to, callbackURL: f.Get("StatusCallback"), memo: &twilioMemo{
		account: chs[i].Settings["account_sid"], from: f.Get("From"), service: f.Get("MessagingServiceSid"), body: f.Get("Body"), media: media,
	}}
	if u, err := url.Parse(m.callbackURL); err == nil {
		m.ref = u.Query().Get("id") // only to tell repeated calls for one message
	}
	return m, answer{}
}

// twilioSends says whether a message of the form goes out by the channel.
func twilioSends(ch *dispatch.Channel, f url.Values, whatsApp bool) bool {
	if ch.WhatsApp() != whatsApp {
		return false
	}
	if service := f.Get("MessagingServiceSid"); service != "" {
		return service == ch.Settings["messaging_service_sid"]
	}
	return strings.TrimPrefix(f.Get("From"), twilioWhatsApp) == ch.Sender
}

// twilioReply words an outcome; the 500 is the 20500 that may have been
// processed.
func twilioReply(m *send, o outcome) answer {
	switch o {
	case throttled:
		return twilioError(http.StatusTooManyRequests, 20429, "Too Many Requests")
	case failing:
		return twilioError(http.StatusInternalServerError, 20500, "An internal server error has occurred")
	case invalid:
		return twilioError(http.StatusBadRequest, 21211, "Invalid 'To' Phone Number: "+m.to)
	case accepted, silent, cut:
	}
	return metaJSON(http.StatusCreated, twilioResource(m, m.at))
}

// twilioError is the error body.
func twilioError(status, code int, message string) answer {
	return metaJSON(status, map[string]any{
		"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status,
	})
}

func twilioNotFound(r *http.Request) answer {
	return twilioError(http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
}

// twilioSID is the message's id: MM for one with media.
func twilioSID(m *send) string {
	if m.memo.(*twilioMemo).media > 0 {
		return "MM" + m.id
	}
	return "SM" + m.id
}

// twilioStatus is Twilio's word for a status and the code of a failure.
func twilioStatus(m *send, st dispatch.Status) (word string, code int) {
	switch {
	case st == 0 && m.memo.(*twilioMemo).service != "":
		return "accepted", 0
	case st == 0:
		return "queued", 0
	case st == dispatch.Failed && m.ch.WhatsApp():
		return "failed", 63024
	case st == dispatch.Failed:
		return "undelivered", 30003
	}
	return st.String(), 0
}

// twilioTo is the recipient as Twilio writes it.
func twilioTo(m *send) string {
	if m.ch.WhatsApp() {
		return twilioWhatsApp + m.to
	}
	return m.to
}

// twilioResource is the Message as it stands now. Nothing that a client may
// lean on is left out; numbers are texts and times RFC 2822, as Twilio's.
func twilioResource(m *send, now time.Time) map[string]any {
	memo, st := m.memo.(*twilioMemo), m.statusAt(now)
	word, code := twilioStatus(m, st)
	uri := "/2010-04-01/Accounts/" + memo.account + "/Messages/" + twilioSID(m)
	r := map[string]any{
		"sid": twilioSID(m), "account_sid": memo.account, "messaging_service_sid": nil, "from": nil, "to": twilioTo(m), "body": memo.body,
		"status": word, "num_segments": "1", "num_media": fmt.Sprint(memo.media), "direction": "outbound-api", "api_version": "2010-04-01",
		"price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil, "date_sent": nil,
		"date_created": m.at.UTC().Format(time.RFC1123Z), "date_updated": now.UTC().Format(time.RFC1123Z),
		"uri": uri + ".json", "subresource_uris": map[string]string{"media": uri + "/Media.json"},
	}
	if memo.service != "" {
		r["messaging_service_sid"] = memo.service
	}
	if memo.service == "" || st != 0 { // the service has chosen a sender by then
		r["from"] = memo.sender(m.ch)
	}
	if code != 0 {
		r["error_code"], r["error_message"] = code, "Emulated failure"
	}
	if st != 0 {
		r["date_sent"] = m.base.UTC().Format(time.RFC1123Z)
	}
	return r
}

// sender is the From of the message, also where the service chose it.
func (memo *twilioMemo) sender(ch *dispatch.Channel) string {
	switch {
	case memo.from != "":
		return memo.from
	case ch.WhatsApp():
		return twilioWhatsApp + ch.Sender
	}
	return ch.Sender
}

func twilioCallback(ch *dispatch.Channel, to string, es []event) callback {
	e := es[0]
	memo := e.memo.(*twilioMemo)
	word, code := twilioStatus(e.send, e.status)
	f := url.Values{
		"MessageSid": {twilioSID(e.send)}, "SmsSid": {twilioSID(e.send)}, "MessageStatus": {word}, "SmsStatus": {word},
		"AccountSid": {memo.account}, "From": {memo.sender(ch)}, "To": {twilioTo(e.send)}, "ApiVersion": {"2010-04-01"},
	}
	if memo.service != "" {
		f.Set("MessagingServiceSid", memo.service)
	}
	if code != 0 {
		f.Set("ErrorCode", fmt.Sprint(code))
	}
	if ch.WhatsApp() {
		f.Set("ChannelPrefix", "whatsapp")
	} else if e.status == dispatch.Delivered {
		f.Set("RawDlrDoneDate", e.when.UTC().Format("0601021504"))
	}
	if e.status == dispatch.Read {
		f.Set("EventType", "READ")
	}
	return twilioSigned(ch, to, f)
}

func twilioInbound(ch *dispatch.Channel, to string, in inbound) callback {
	sid := "SM" + in.id
	f := url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {ch.Settings["account_sid"]}, "From": {in.from}, "To": {ch.Sender},
		"Body": {in.text}, "NumMedia": {"0"}, "NumSegments": {"1"}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
	}
	if ch.WhatsApp() {
		f.Set("From", twilioWhatsApp+in.from)
		f.Set("To", twilioWhatsApp+ch.Sender)
		f.Set("ProfileName", "Emulated Contact")
		f.Set("WaId", in.from[1:])
		f.Set("MessageType", "text")
	}
	return twilioSigned(ch, to, f)
}

// twilioSigned signs a form with the account's token: the address without its
// fragment, then every name and value in the order of names. It is written
// apart from the client's own, so that one checks the other.
func twilioSigned(ch *dispatch.Channel, to string, f url.Values) callback {
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
	return callback{body: []byte(f.Encode()), header: [][2]string{
		{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"},
		{"X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}}
}
