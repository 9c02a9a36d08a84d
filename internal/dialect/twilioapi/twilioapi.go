// Package twilioapi implements Twilio's Programmable Messaging API, so that its
// SDKs send and read through us when their base URL is changed
// (twilio.com/docs/messaging/api/message-resource).
package twilioapi

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

const (
	listPath    = "/2010-04-01/Accounts/:sid/Messages.json"
	messagePath = "/2010-04-01/Accounts/:sid/Messages/:message"
	numbersPath = "/2010-04-01/Accounts/:sid/IncomingPhoneNumbers"
)

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "twilio",
		Header:     "Authorization",
		Credential: credential,
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: listPath, Decode: decode, Accept: accept, Doc: sendDoc},
			{Method: http.MethodGet, Path: listPath, Permission: "view_messages", Read: readList, Doc: listDoc},
			{
				Method: http.MethodGet, Path: messagePath, Permission: "view_messages",
				Read: readMessage, Doc: messageDoc,
			},
			{Method: http.MethodPost, Path: messagePath, Change: update, Doc: updateDoc},
			{Method: http.MethodDelete, Path: messagePath, Change: remove, Doc: removeDoc},
			{Method: http.MethodGet, Path: messagePath + "/Media.json", Permission: "view_messages", Read: readMedia, Doc: mediaDoc},
			{Method: http.MethodGet, Path: "/2010-04-01/Accounts/:account", Read: readAccount, Doc: accountDoc},
			{Method: http.MethodGet, Path: "/2010-04-01/Accounts/:sid/Balance.json", Read: readBalance, Doc: balanceDoc},
			{Method: http.MethodGet, Path: numbersPath + ".json", Read: readNumbers, Doc: numbersDoc},
			{Method: http.MethodGet, Path: numbersPath + "/:number", Read: readNumber, Doc: numberDoc},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// keyPrefix is the prefix of our API keys.
const keyPrefix = "sk_"

// credential returns the API key of Basic authentication. SDKs send the account's
// sid and the key as its auth token; those configured with an API key may send
// the key in place of Twilio's SK... id.
func credential(r *http.Request) string {
	user, password, ok := r.BasicAuth()
	switch {
	case !ok:
		return ""
	case !strings.HasPrefix(password, keyPrefix) && strings.HasPrefix(user, keyPrefix):
		return user
	}
	return password
}

// ownAccount refuses a request whose user is another account than its path.
func ownAccount(r *http.Request) error {
	if user, _, _ := r.BasicAuth(); strings.HasPrefix(user, "AC") && user != r.PathValue("sid") {
		return wrongAccount()
	}
	return nil
}

func wrongAccount() error {
	return &dispatch.Error{Code: dispatch.Unauthorized, Msg: "the key belongs to another account", Reason: "sid"}
}

// channelPrefix marks WhatsApp addresses.
const channelPrefix = "whatsapp:"

// address splits "whatsapp:+1..." into kind and number.
func address(s string) (kind, number string) {
	s = strings.TrimSpace(s)
	if number, ok := strings.CutPrefix(s, channelPrefix); ok {
		return "whatsapp", strings.TrimSpace(number)
	}
	return "sms", s
}

// written is address the other way round.
func written(kind, number string) string {
	if kind == "whatsapp" {
		return channelPrefix + number
	}
	return number
}
