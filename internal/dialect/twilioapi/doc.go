package twilioapi

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dialect"
)

var doc = dialect.Doc{
	Title: "Twilio", About: "Serves Twilio's SDKs whose base URL points here: Programmable Messaging.", Security: "basic", AnyContent: true,
	Curl: "curl -X POST \"HOST/2010-04-01/Accounts/$SENDOFF_ACCOUNT_SID/Messages.json\" \\\n  --data-urlencode 'To=+15550001111' \\\n" +
		"  --data-urlencode 'From=+15550003333' \\\n  --data-urlencode 'Body=Your parcel is here' \\\n  -u " +
		"\"$SENDOFF_ACCOUNT_SID:$SENDOFF_API_KEY\"",
	Answer: exampleMessage, Failure: twilioFailure{},
	Differs: []string{
		"The account sid is that of your account here, and the auth token is an API key.",
		"Ids are SM followed by the 32 hex digits of our message id. price is null.",
		"From is the number of a channel here, or MessagingServiceSid the one that is set on a channel.",
		"StatusCallback is called with a signature made with the account's token (GET /v1/webhooks/twilio-token).",
		"SendAt takes any future time and needs no Messaging Service.",
		"A message is redacted (Body=) and deleted when it is finished. XML is not supported.",
		"Account, balance (in credits) and incoming phone numbers are those of the account here.",
	},
	Samples: map[string]string{
		"sid": exampleAccount, "message": exampleSID + ".json", "account": exampleAccount + ".json",
		"number": exampleNumber + ".json",
	},
}

var (
	sendDoc = dialect.RouteDoc{
		Summary: "send a message",
		Request: apidoc.Request{
			Type: twilioRequest{}, Media: "application/x-www-form-urlencoded",
			Examples: []string{`{"To":"+15550001111","From":"+15550003333","Body":"Your parcel is here"}`},
		},
		Status: http.StatusCreated, Reply: apidoc.Response{Type: twilioResource{}, Example: exampleMessage},
	}
	listDoc = dialect.RouteDoc{
		Summary: "list messages", Status: http.StatusOK, Reply: apidoc.Response{Type: twilioPage{}, Example: examplePage},
		Query: []apidoc.Parameter{
			apidoc.Query("To", "string", "Only messages to this number."),
			apidoc.Query("From", "string", "Only messages from this sender."),
			apidoc.Query("DateSent", "string", "Only messages of this day (UTC)."),
			apidoc.Query("DateSent<", "string", "Only messages up to this time."),
			apidoc.Query("DateSent>", "string", "Only messages from this time on."),
			apidoc.Query("PageSize", "integer", "At most 1000. Default: 50."),
			apidoc.Query("PageToken", "string", "The token in next_page_uri."),
			apidoc.Query("Page", "integer", "The number of the page, as in next_page_uri."),
		},
	}
	messageDoc = dialect.RouteDoc{
		Summary: "retrieve a message", Status: http.StatusOK, OneMessage: true,
		Reply: apidoc.Response{Type: twilioResource{}, Example: exampleMessage},
	}
)

const (
	exampleAccount = "AC0123456789abcdef0123456789abcdef"
	exampleSID     = "SM0198c0de000070008000000000000001" // of dialect.ExampleID
	exampleURI     = "/2010-04-01/Accounts/" + exampleAccount + "/Messages"
	exampleMessage = `{"sid":"` + exampleSID + `","account_sid":"` + exampleAccount + `","messaging_service_sid":null,"to":"+15550001111",` +
		`"from":"+15550003333","body":"Your parcel is here","status":"queued","num_segments":"1","num_media":"0",` +
		`"direction":"outbound-api","api_version":"2010-04-01","price":null,"price_unit":"USD","error_code":null,"error_message":null,` +
		`"date_created":"Fri, 02 Jan 2026 03:04:05 +0000","date_sent":null,"date_updated":"Fri, 02 Jan 2026 03:04:05 +0000",` +
		`"uri":"` + exampleURI + `/` + exampleSID + `.json","subresource_uris":{"media":"` + exampleURI + `/` + exampleSID + `/Media.json"}}`
	examplePage = `{"messages":[` + exampleMessage + `],"page":0,"page_size":50,"start":0,"end":0,"uri":"` + exampleURI + `.json",` +
		`"first_page_uri":"` + exampleURI + `.json?Page=0&PageSize=50","previous_page_uri":null,"next_page_uri":null}`
)

// The bodies of requests and answers. The names of the types are the names of
// the schemas.
type (
	twilioRequest struct {
		_                   struct{} `additionalProperties:"true"`
		To                  string   `json:"To" required:"true" doc:"A number, or whatsapp: and a number."`
		From                string   `json:"From,omitempty" doc:"A channel's sender. Required without MessagingServiceSid."`
		MessagingServiceSID string   `json:"MessagingServiceSid,omitempty" doc:"A channel's, or a channel's id or key."`
		Body                string   `json:"Body,omitempty" doc:"Required without MediaUrl and ContentSid."`
		MediaURL            []string `json:"MediaUrl,omitempty" maxItems:"10" doc:"URLs of media."`
		ContentSID          string   `json:"ContentSid,omitempty" doc:"A content template that is registered here."`
		ContentVariables    string   `json:"ContentVariables,omitempty" doc:"A JSON object of values."`
		StatusCallback      string   `json:"StatusCallback,omitempty" doc:"A URL that is called with every status, signed."`
		SendAt              string   `json:"SendAt,omitempty" doc:"ISO 8601. Any future time."`
		ScheduleType        string   `json:"ScheduleType,omitempty" enum:"fixed"`
		ValidityPeriod      int      `json:"ValidityPeriod,omitempty" minimum:"1" maximum:"36000" doc:"Seconds."`
	}
	twilioResource struct {
		SID                 string  `json:"sid" required:"true"`
		AccountSID          string  `json:"account_sid" required:"true"`
		MessagingServiceSID *string `json:"messaging_service_sid" required:"true"`
		To                  string  `json:"to" required:"true"`
		From                *string `json:"from" required:"true"`
		Body                string  `json:"body" required:"true"`

		Status string `json:"status" required:"true" enum:"scheduled,queued,sending,sent,delivered,undelivered,read,failed,canceled"`

		NumSegments     string            `json:"num_segments" required:"true"`
		NumMedia        string            `json:"num_media" required:"true"`
		Direction       string            `json:"direction" required:"true"`
		APIVersion      string            `json:"api_version" required:"true"`
		Price           *string           `json:"price" required:"true"`
		PriceUnit       string            `json:"price_unit" required:"true"`
		ErrorCode       *int              `json:"error_code" required:"true"`
		ErrorMessage    *string           `json:"error_message" required:"true"`
		DateCreated     string            `json:"date_created" required:"true" doc:"RFC 2822, as all dates."`
		DateSent        *string           `json:"date_sent" required:"true"`
		DateUpdated     string            `json:"date_updated" required:"true"`
		URI             string            `json:"uri" required:"true"`
		SubresourceURIs map[string]string `json:"subresource_uris" required:"true"`
	}
	twilioPage struct {
		Paging

		Messages []twilioResource `json:"messages" required:"true" nullable:"false"`
	}
	twilioFailure struct {
		Code     int    `json:"code" required:"true"`
		Message  string `json:"message" required:"true"`
		MoreInfo string `json:"more_info" required:"true"`
		Status   int    `json:"status" required:"true"`
	}
)
