package twilioapi

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

// exampleNumber is the sid of a number in examples.
const exampleNumber = "PN0123456789abcdef0123456789abcdef"

// twilioUpdate is the form of an update.
type twilioUpdate struct {
	Status string  `json:"Status,omitempty" enum:"canceled" doc:"Cancels the message before its next call of the provider."`
	Body   *string `json:"Body,omitempty" doc:"Empty: blanks the content of a finished message."`
}

var (
	updateDoc = dialect.RouteDoc{
		Summary: "cancel or redact a message",
		Request: apidoc.Request{
			Type: twilioUpdate{}, Media: "application/x-www-form-urlencoded", Examples: []string{`{"Status":"canceled"}`},
		},
		Status: http.StatusOK, OneMessage: true, Reply: apidoc.Response{Type: twilioResource{}, Example: exampleMessage},
	}
	removeDoc = dialect.RouteDoc{Summary: "delete a finished message", Status: http.StatusNoContent, OneMessage: true}
	mediaDoc  = dialect.RouteDoc{
		Summary: "list the media of a message", Status: http.StatusOK, OneMessage: true,
		Reply: apidoc.Response{Type: twilioMediaPage{}, Example: `{"media_list":[],"page":0,"page_size":50,"start":0,"end":0,"uri":"` +
			exampleURI + `/` +
			exampleSID + `/Media.json","first_page_uri":"` + exampleURI + `/` + exampleSID +
			`/Media.json","next_page_uri":null,"previous_page_uri":null}`},
	}
	accountDoc = dialect.RouteDoc{
		Summary: "retrieve the account", Status: http.StatusOK,
		Reply: apidoc.Response{Type: twilioAccount{}, Example: `{"sid":"` + exampleAccount + `","friendly_name":"Acme","status":"active",` +
			`"type":"Full","owner_account_sid":"` + exampleAccount + `","auth_token":"","date_created":"Fri, 02 Jan 2026 03:04:05 +0000",` +
			`"date_updated":"Fri, 02 Jan 2026 03:04:05 +0000","uri":"/2010-04-01/Accounts/` + exampleAccount + `.json"}`},
	}
	balanceDoc = dialect.RouteDoc{
		Summary: "retrieve the balance", Status: http.StatusOK,
		Reply: apidoc.Response{Type: twilioBalance{}, Example: `{"account_sid":"` + exampleAccount + `","balance":"12.5","currency":"USD"}`},
	}
	numbersDoc = dialect.RouteDoc{
		Summary: "list SMS senders", Status: http.StatusOK,
		Query: []apidoc.Parameter{
			apidoc.Query("PhoneNumber", "string", "Only this number."), apidoc.Query("FriendlyName", "string", "Only this name."),
		},
		Reply: apidoc.Response{Type: twilioNumbers{}, Example: `{"incoming_phone_numbers":[` + exampleIncoming +
			`],"page":0,"page_size":50,"start":0,` +
			`"end":0,"uri":"` + exampleNumbers + `.json","first_page_uri":"` + exampleNumbers +
			`.json","next_page_uri":null,"previous_page_uri":null}`},
	}
	numberDoc = dialect.RouteDoc{
		Summary: "retrieve an SMS sender", Status: http.StatusOK, Reply: apidoc.Response{Type: twilioNumber{}, Example: exampleIncoming},
	}
)

const (
	exampleNumbers  = "/2010-04-01/Accounts/" + exampleAccount + "/IncomingPhoneNumbers"
	exampleIncoming = `{"sid":"` + exampleNumber + `","account_sid":"` + exampleAccount +
		`","friendly_name":"SMS","phone_number":"+15550003333",` +
		`"capabilities":{"sms":true,"mms":true,"voice":false,"fax":false},"status":"in-use","api_version":"2010-04-01","uri":"` + exampleNumbers +
		`/` + exampleNumber + `.json"}`
)
