package api

import (
	"encoding/json"
	"net/http"
	"strings"
)

// dialectDoc says how a vendor's format is used here.
type dialectDoc struct {
	title    string
	about    string
	security map[string][]string
	// curl is the vendor's own example; HOST stands for ours.
	curl    string
	answer  string // to curl
	differs []string
	routes  map[string]routeDoc // by method and path
}

// routeDoc describes one route of a dialect.
type routeDoc struct {
	summary string
	body    string // an example; JSON, or a form
	form    bool
	status  int // of success
	answer  string
}

// asEverywhere differs from every vendor alike.
var asEverywhere = []string{
	"The key is one of ours (sk_live_... or sk_test_...).",
	"The status says queued or scheduled: when the request is answered, nothing has been sent yet.",
	"An Idempotency-Key header is understood: a repeat within 24 h makes no second message.",
	"Every answer carries RateLimit headers, a 429 Retry-After.",
}

// describeDialects adds every dialect that is served, known in detail or not.
func (s *Server) describeDialects(d *describer) {
	for i := range s.Dialects {
		dl := &s.Dialects[i]
		doc := dialectDocs[dl.Name]
		for _, rt := range dl.Routes {
			r, known := doc.routes[rt.Method+" "+rt.Path]
			if !known {
				r = routeDoc{summary: dl.Name, status: http.StatusOK, answer: `{}`}
			}
			x := described{
				method: rt.Method, path: braced(rt.Path), tag: dialectTag, summary: doc.title + ": " + r.summary, text: doc.about,
				permission: rt.Permission, security: []map[string][]string{doc.security}, answers: map[int]any{r.status: json.RawMessage(r.answer)},
			}
			switch {
			case r.form:
				x.body, x.contentType = json.RawMessage(`{}`), "application/x-www-form-urlencoded"
				x.example = formExample(r.body)
			case r.body != "":
				x.body = json.RawMessage(r.body)
			}
			if doc.security == nil {
				x.security, x.public = nil, false
			}
			d.add(x)
		}
	}
}

// formExample is a form as an object, which is how OpenAPI shows one.
func formExample(form string) string {
	fields := map[string]string{}
	for line := range strings.SplitSeq(form, "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			fields[name] = value
		}
	}
	b, err := json.Marshal(fields)
	if err != nil { // texts always encode
		return "{}"
	}
	return string(b)
}

const (
	exampleID = "0198c0de-0000-7000-8000-000000000001"
	curlKey   = " \\\n  --header '"
)

const socialoneBody = `{
  "country_code": "91",
  "phone_number": "9876543210",
  "template_id": 1,
  "social_account_id": 1,
  "variables": ["John"],
  "media_file": {"url": "https://example.com/your-image.jpg"}
}`

const externalBody = `{
  "to": "+1234567890",
  "template_name": "order_confirmation",
  "language": "en",
  "variables": {"customer_name": "John Doe", "order_id": "ORD-12345", "total": "99.99"},
  "reference": "my-order-123"
}`

const aisouleBody = `{
  "to": "+919876543210",
  "type": "template",
  "template": {
    "name": "order_confirmation",
    "language": "en",
    "components": [
      {"type": "body", "parameters": [{"type": "text", "text": "John"}, {"type": "text", "text": "ORD-789"}]}
    ]
  }
}`

const sociocsBody = `{
  "provider": "twlo",
  "channel_key": "your_channel_key",
  "to": "+16175551212",
  "name": "recipient_name",
  "text": "message"
}`

const kaleyraBody = `{
  "messaging_object": {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+919876543210",
    "type": "template",
    "template": {
      "name": "auth1",
      "language": {"code": "en_US"},
      "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "J$Fp1234"}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "J$Fp1234"}]}
      ]
    }
  },
  "extra_info": {"ref": "customer1", "ref1": "marketing", "ref2": "dictionary", "wa_source": "api"}
}`

const metaBody = `{
  "messaging_product": "whatsapp",
  "recipient_type": "individual",
  "to": "15550001111",
  "type": "template",
  "template": {"name": "hello_world", "language": {"code": "en"}}
}`

const twilioForm = "To=+15550001111\nFrom=+15550003333\nBody=Your parcel is here"

const (
	twilioList    = "/2010-04-01/Accounts/:sid/Messages.json"
	twilioMessage = `{"sid":"SM0198c0de000070008000000000000001","to":"+15550001111","from":"+15550003333","body":"Your parcel is here","status":"queued","direction":"outbound-api","error_code":null}`
	socialoneSend = "/api/v1/messages/api/send-message"
	received      = `{"status":"success","data":{"message_id":"` + exampleID + `","status":"queued"}}`
)

// post writes the curl of a JSON request.
func post(path, header, body string) string {
	return "curl --request POST 'HOST" + path + "'" + curlKey + header + "'" + curlKey + "Content-Type: application/json' \\\n  --data '" + body + "'"
}

var dialectDocs = map[string]dialectDoc{
	"socialone": {
		title: "Socialone", about: "One approved WhatsApp template to one recipient.", security: map[string][]string{"api_key": {}},
		curl: post(socialoneSend+"/", "x-api-key: <YOUR_API_KEY>", socialoneBody), answer: received,
		differs: []string{
			"template_id and social_account_id are the ids of a template and a channel here.",
			"The count of variables must match the template's.",
			`Errors: {"status":"error","message":"...","errors":{"field":["..."]}} with 400, 401, 403, 404, 429 or 500.`,
		},
		routes: map[string]routeDoc{
			"POST " + socialoneSend + "/": {summary: "send a template", body: socialoneBody, status: 202, answer: received},
			"POST " + socialoneSend:       {summary: "send a template (without the last slash)", body: socialoneBody, status: 202, answer: received},
		},
	},
	"external": {
		title: "External API (Comprehensive API Management Guide)", about: "Templates filled by variable name, status, list of templates.", security: map[string][]string{"api_key": {}},
		curl:   post("/api/v1/external/messages/template/send", "X-API-Key: your_api_key_here", externalBody),
		answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"queued","to":"+1234567890"}}`,
		differs: []string{
			"Success is 202; status is queued where the guide's sample shows sent.",
			`"simulate": true checks everything and sends nothing: 200, message_uuid null.`,
			"A missing or surplus variable is a VALIDATION_ERROR that names it; language may be left out where the template has one.",
			"The daily limit is the key's (10,000 unless set).",
		},
		routes: map[string]routeDoc{
			"POST /api/v1/external/messages/template/send": {summary: "send a template", body: externalBody, status: 202, answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"queued","to":"+1234567890"}}`},
			"GET /api/v1/external/messages/:uuid":          {summary: "show a message", status: 200, answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"delivered","to":"+1234567890","template_name":"order_confirmation","reference":"my-order-123"}}`},
			"GET /api/v1/external/templates":               {summary: "list templates", status: 200, answer: `{"success":true,"data":[{"id":1,"name":"order_confirmation","language":"en","category":"utility","status":"approved","variables":["customer_name","order_id","total"]}]}`},
		},
	},
	"aisoule": {
		title: "Aisoule", about: "Text, templates, media and interactive messages.", security: map[string][]string{"api_key": {}},
		curl: post("/api/messages/send", "X-API-Key: your_key", aisouleBody), answer: `{"data":{"message_id":"` + exampleID + `","status":"queued"}}`,
		differs: []string{
			"message_id is ours, not WhatsApp's wamid.",
			"Success is 202. whatsapp_account is a channel's id or key.",
			"A key without the permission is answered with 401, since the page knows no 403.",
		},
		routes: map[string]routeDoc{"POST /api/messages/send": {summary: "send a message", body: aisouleBody, status: 202, answer: `{"data":{"message_id":"` + exampleID + `","status":"queued"}}`}},
	},
	"sociocs": {
		title: "Sociocs", about: "Text, media or a template through a Twilio or Gupshup channel, at once or on a schedule.", security: map[string][]string{"apikey": {}},
		curl: post("/message", "apikey: your_api_key", sociocsBody), answer: `{"status":"success","data":{"message_id":"` + exampleID + `"}}`,
		differs: []string{
			"provider must be the channel's provider, channel_key its key here; user_id is a team member's from /team-members.",
			"A template id must be registered here. A schedule more than 60 s in the past is refused.",
			"All faults are listed at once in errors.",
		},
		routes: map[string]routeDoc{
			"POST /message":     {summary: "send a message", body: sociocsBody, status: 200, answer: `{"status":"success","data":{"message_id":"` + exampleID + `"}}`},
			"GET /team-members": {summary: "list the team", status: 200, answer: `{"status":"success","data":[{"user_id":"` + exampleID + `","name":"Sam Sender","email":"sam@example.com"}]}`},
		},
	},
	"kaleyra": {
		title: "Kaleyra", about: "Meta's message object in an envelope of Kaleyra's own.", security: map[string][]string{"api-key": {}},
		curl:   post("/v2/<sid>/whatsapp/<phone_number>/messages", "api-key: <api-key>", kaleyraBody),
		answer: `{"code":"WA202","message":"Request Accepted","data":{"message_id":"` + exampleID + `","messages":[{"to":"+919876543210","message_id":"` + exampleID + `"}]},"error":{}}`,
		differs: []string{
			"sid is the account's sid here (AC...), phone_number the sending channel's number.",
			"data.messages lists every recipient of to with its own id; data.message_id is the first one's.",
			"What exactly is wrong with a payload stands in the header X-Error-Detail.",
			"Besides templates, messaging_object takes Meta's other types. A limit that is used up is WA429.",
		},
		routes: map[string]routeDoc{"POST /v2/:sid/whatsapp/:phone/messages": {summary: "send a message", body: kaleyraBody, status: 202, answer: `{"code":"WA202","message":"Request Accepted","data":{"message_id":"` + exampleID + `"},"error":{}}`}},
	},
	"meta": {
		title: "Meta Cloud API", about: "For SDKs of Meta's WhatsApp Cloud API with a changed base URL.", security: map[string][]string{"bearer": {}},
		curl:   post("/v25.0/<PHONE_NUMBER_ID>/messages", "Authorization: Bearer <ACCESS_TOKEN>", metaBody),
		answer: `{"messaging_product":"whatsapp","contacts":[{"input":"15550001111","wa_id":"15550001111"}],"messages":[{"id":"wamid.` + exampleID + `"}]}`,
		differs: []string{
			"The phone number id is that of a channel here (a channel's own id does, too); any version v<n>.<n> will do.",
			"Ids are wamid. and our message id.",
			"Media are given by link or by an id of the channel's own; uploads go to Meta itself.",
		},
		routes: map[string]routeDoc{"POST /:version/:phone_number_id/messages": {summary: "send a message", body: metaBody, status: 200, answer: `{"messaging_product":"whatsapp","contacts":[{"input":"15550001111","wa_id":"15550001111"}],"messages":[{"id":"wamid.` + exampleID + `"}]}`}},
	},
	"twilio": {
		title: "Twilio", about: "For Twilio's SDKs with a changed base URL: Programmable Messaging.", security: map[string][]string{"basic": {}},
		curl:   "curl -X POST 'HOST/2010-04-01/Accounts/<ACCOUNT_SID>/Messages.json' \\\n  --data-urlencode 'To=+15550001111' \\\n  --data-urlencode 'From=+15550003333' \\\n  --data-urlencode 'Body=Your parcel is here' \\\n  -u '<ACCOUNT_SID>:<API_KEY>'",
		answer: twilioMessage,
		differs: []string{
			"The account sid is that of the account here, the auth token an API key of ours.",
			"Ids are SM and the 32 hex digits of our message id.",
			"From is the number of a channel here, or MessagingServiceSid the one that is set on it.",
			"StatusCallback is honoured, signed with a token of the account (GET /v1/webhooks/twilio-token).",
		},
		routes: map[string]routeDoc{
			"POST " + twilioList: {summary: "send a message", body: twilioForm, form: true, status: 201, answer: twilioMessage},
			"GET " + twilioList:  {summary: "list messages", status: 200, answer: `{"messages":[` + twilioMessage + `],"page":0,"page_size":50}`},
			"GET /2010-04-01/Accounts/:sid/Messages/:message": {summary: "show a message", status: 200, answer: twilioMessage},
		},
	},
}
