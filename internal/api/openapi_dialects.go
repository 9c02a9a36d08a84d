package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
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
	failure any                 // whose type is that of errors
	free    bool                // more than templates can be sent
	routes  map[string]routeDoc // by method and path
}

// routeDoc describes one route of a dialect.
type routeDoc struct {
	summary string
	request any      // whose type is that of the body
	body    string   // an example; JSON, or a form
	more    []string // further ones of the vendor's page
	form    bool
	query   []huma.Param
	reply   any // whose type is that of success
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
				r = routeDoc{summary: dl.Name, status: http.StatusOK, reply: json.RawMessage(`{}`)}
			}
			x := described{
				method: rt.Method, path: braced(rt.Path), tag: dialectTag, summary: doc.title + ": " + r.summary, text: doc.about,
				permission: rt.Permission, security: []map[string][]string{doc.security}, query: r.query,
				body: r.request, example: r.body, more: r.more, answers: map[int]any{r.status: answerDoc{body: r.reply, example: r.answer}},
			}
			if r.form {
				x.contentType, x.example = "application/x-www-form-urlencoded", formExample(r.body)
			}
			if rt.Method == http.MethodPost {
				x.query = append(x.query, idempotencyParam)
			}
			if doc.failure != nil {
				for status, a := range failureAnswers(dl, &rt, doc) {
					x.answers[status] = a
				}
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

var aisouleMore = []string{
	`{"to": "+919876543210", "type": "text", "text": "Hello! Your order has been shipped."}`,
	`{"to": "+919876543210", "type": "image", "image": {"url": "https://example.com/product.jpg", "caption": "Check out our new product!"}}`,
	`{"to": "+919876543210", "type": "interactive", "interactive": {"type": "button", "body": {"text": "How can we help?"},
  "action": {"buttons": [{"type": "reply", "reply": {"id": "sales", "title": "Sales"}}, {"type": "reply", "reply": {"id": "support", "title": "Support"}}]}}}`,
	`{"to": "+919876543210", "type": "text", "text": "Hello!", "whatsapp_account": "account_id_here"}`,
}

var sociocsMore = []string{
	`{"provider": "twlowa", "channel_key": "your_channel_key", "to": "+16175551212", "schedule": "2030-01-02T15:04:05-04:00",
  "template": {"id": "HX0123456789abcdef0123456789abcdef", "variables": {"1": "John", "2": "john@example.com", "3": "11-Jul-2024"}}}`,
	`{"provider": "gswa", "channel_key": "your_channel_key", "to": "+16175551212", "user_id": "` + exampleID + `",
  "template": {"id": "c6fa0a60-fbaa-4c26-ac36-87d9ed1f79a6", "variables": {"MEDIA_URL": "https://placehold.co/600x400", "Body": {"1": "john@example.com", "2": "11-Jul-2024"}, "Buttons": {"1": "Quick Reply Text"}}}}`,
	`{"provider": "twlo", "channel_key": "your_channel_key", "to": "+16175551212", "name": "John", "image_urls": ["https://placehold.co/600x400"],
  "contact_saving": {"save": true, "list_id": 0, "extra_fields": {"email_address": "john@example.com", "id": 987123}}}`,
}

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
	twilioMessage = `{"sid":"SM0198c0de000070008000000000000001","account_sid":"AC0123456789abcdef0123456789abcdef","messaging_service_sid":null,"to":"+15550001111","from":"+15550003333","body":"Your parcel is here","status":"queued","num_segments":"1","num_media":"0","direction":"outbound-api","api_version":"2010-04-01","price":null,"price_unit":"USD","error_code":null,"error_message":null,"date_created":"Fri, 02 Jan 2026 03:04:05 +0000","date_sent":null,"date_updated":"Fri, 02 Jan 2026 03:04:05 +0000","uri":"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/SM0198c0de000070008000000000000001.json","subresource_uris":{"media":"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages/SM0198c0de000070008000000000000001/Media.json"}}`
	twilioURI     = "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json"
	kaleyraDone   = `{"code":"WA202","message":"Request Accepted","data":{"message_id":"` + exampleID + `","messages":[{"to":"+919876543210","message_id":"` + exampleID + `"}]},"error":{}}`
	metaDone      = `{"messaging_product":"whatsapp","contacts":[{"input":"15550001111","wa_id":"15550001111"}],"messages":[{"id":"wamid.` + exampleID + `","message_status":"accepted"}]}`
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
		curl: post(socialoneSend+"/", "x-api-key: <YOUR_API_KEY>", socialoneBody), answer: received, failure: socialoneFailure{},
		differs: []string{
			"template_id and social_account_id are the ids of a template and of a WhatsApp channel here; they may also be strings.",
			"The count of variables must match the template's, and media_file its media header.",
			"The page shows neither answers nor errors: success is 202, errors as below.",
		},
		routes: map[string]routeDoc{
			"POST " + socialoneSend + "/": {summary: "send a template", request: socialoneRequest{}, body: socialoneBody, reply: socialoneAnswer{}, status: 202, answer: received},
			"POST " + socialoneSend:       {summary: "send a template (without the last slash)", request: socialoneRequest{}, body: socialoneBody, reply: socialoneAnswer{}, status: 202, answer: received},
		},
	},
	"external": {
		title: "External API (Comprehensive API Management Guide)", about: "Templates filled by variable name, status, list of templates.", security: map[string][]string{"api_key": {}},
		curl:   post("/api/v1/external/messages/template/send", "X-API-Key: your_api_key_here", externalBody),
		answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"queued","to":"+1234567890"}}`, failure: externalFailure{},
		differs: []string{
			"Success is 202; status is queued where the guide's sample shows sent.",
			"The message goes through the account's default channel, which must be a WhatsApp one.",
			`variables goes by the names that a template's variables have here ("variables" of POST or PATCH /v1/templates; a sync keeps them), by "1", "2", ... where they have none. A missing or surplus one is a VALIDATION_ERROR that names it.`,
			"language may be left out where the template has just one.",
			`"simulate": true checks everything and sends nothing: 200, message_uuid null.`,
			"The limits are the key's: 60 a minute and 10,000 a day unless set. RATE_LIMIT_EXCEEDED and DAILY_LIMIT_EXCEEDED are 429.",
		},
		routes: map[string]routeDoc{
			"POST /api/v1/external/messages/template/send": {summary: "send a template", request: externalRequest{}, body: externalBody, reply: externalAnswer{}, status: 202, answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"queued","to":"+1234567890"}}`},
			"GET /api/v1/external/messages/:uuid":          {summary: "show a message", reply: externalMessage{}, status: 200, answer: `{"success":true,"data":{"message_uuid":"` + exampleID + `","status":"delivered","to":"+1234567890","template_name":"order_confirmation","reference":"my-order-123","created_at":"2026-01-02T03:04:05Z","sent_at":"2026-01-02T03:04:06Z","delivered_at":"2026-01-02T03:04:07Z","read_at":null,"failed_at":null,"error":null}}`},
			"GET /api/v1/external/templates":               {summary: "list templates", reply: externalTemplates{}, status: 200, answer: `{"success":true,"data":[{"id":1,"name":"order_confirmation","language":"en","category":"utility","status":"approved","variables":["customer_name","order_id","total"]}]}`},
		},
	},
	"aisoule": {
		title: "Aisoule", about: "Text, templates, media and interactive messages.", security: map[string][]string{"api_key": {}}, free: true,
		curl: post("/api/messages/send", "X-API-Key: your_key", aisouleBody), answer: `{"data":{"message_id":"` + exampleID + `","status":"queued"}}`, failure: aisouleFailure{},
		differs: []string{
			"message_id is ours, not WhatsApp's wamid; success is 202.",
			"whatsapp_account is the id or key of a WhatsApp channel here, otherwise 404.",
			"A key without the permission, or for other countries, is answered with 401, since the page knows no 403.",
			"The limits are the key's: 60 a minute and 10 a second unless set (the page's are 100 and 10).",
		},
		routes: map[string]routeDoc{"POST /api/messages/send": {summary: "send a message", request: aisouleRequest{}, body: aisouleBody, more: aisouleMore, reply: aisouleAnswer{}, status: 202, answer: `{"data":{"message_id":"` + exampleID + `","status":"queued"}}`}},
	},
	"sociocs": {
		title: "Sociocs", about: "Text, media or a template through a Twilio or Gupshup channel, at once or on a schedule.", security: map[string][]string{"apikey": {}}, free: true,
		curl: post("/message", "apikey: your_api_key", sociocsBody), answer: `{"status":"success","data":{"message_id":"` + exampleID + `"}}`, failure: sociocsFailure{},
		differs: []string{
			"provider must be the channel's provider, channel_key its key here; user_id is a team member's from /team-members.",
			"A template id must be registered here, and its variables must fit: a header takes a file (MEDIA_URL) or a text (Header), never both.",
			"schedule needs an offset; one up to 60 s in the past sends at once, one further back is refused. What is scheduled is changed and cancelled at /v1/messages/{id}.",
			"The contact is saved when the message is accepted. Fields that are left out stay as they are.",
			"The faults of a request are listed at once in errors. A key without the permission is answered with 401.",
		},
		routes: map[string]routeDoc{
			"POST /message":     {summary: "send a message", request: sociocsRequest{}, body: sociocsBody, more: sociocsMore, reply: sociocsAnswer{}, status: 200, answer: `{"status":"success","data":{"message_id":"` + exampleID + `"}}`},
			"GET /team-members": {summary: "list the team", reply: sociocsTeam{}, status: 200, answer: `{"status":"success","data":[{"user_id":"` + exampleID + `","name":"Sam Sender","email":"sam@example.com"}]}`},
		},
	},
	"kaleyra": {
		title: "Kaleyra", about: "Meta's message object in an envelope of Kaleyra's own.", security: map[string][]string{"api-key": {}}, free: true,
		curl:   post("/v2/<sid>/whatsapp/<phone_number>/messages", "api-key: <api-key>", kaleyraBody),
		answer: kaleyraDone, failure: kaleyraFailure{},
		differs: []string{
			"sid is the account's sid here (AC...), phone_number the sending channel's number, with or without +.",
			"data.messages lists every recipient of to with its own id; data.message_id is the first one's.",
			"What exactly is wrong with a payload (WA400) stands in the header X-Error-Detail.",
			"Besides templates, messaging_object takes Meta's other types; without type it is a text. The one-time password of an authentication template must be the same in body and button.",
			"A limit that is used up is WA429, which the page doesn't list.",
		},
		routes: map[string]routeDoc{"POST /v2/:sid/whatsapp/:phone/messages": {summary: "send a message", request: kaleyraRequest{}, body: kaleyraBody, reply: kaleyraAnswer{}, status: 202, answer: kaleyraDone}},
	},
	"meta": {
		title: "Meta Cloud API", about: "For SDKs of Meta's WhatsApp Cloud API with a changed base URL.", security: map[string][]string{"bearer": {}}, free: true,
		curl:   post("/v25.0/<PHONE_NUMBER_ID>/messages", "Authorization: Bearer <ACCESS_TOKEN>", metaBody),
		answer: metaDone, failure: metaFailure{},
		differs: []string{
			"The phone number id is that of a WhatsApp channel here (a channel's own id or key does, too); any version v<n>.<n> will do.",
			"Ids are wamid. and our message id. context and reaction take such an id of a message that was sent through the channel, or the id that a message has at Meta.",
			"Media are given by link or by an id of the channel's own; uploads go to Meta itself.",
			"A mark-as-read is answered and kept nowhere.",
		},
		routes: map[string]routeDoc{"POST /:version/:phone_number_id/messages": {summary: "send a message", request: metaRequest{}, body: metaBody, reply: metaAnswer{}, status: 200, answer: metaDone}},
	},
	"twilio": {
		title: "Twilio", about: "For Twilio's SDKs with a changed base URL: Programmable Messaging.", security: map[string][]string{"basic": {}}, free: true,
		curl:   "curl -X POST 'HOST/2010-04-01/Accounts/<ACCOUNT_SID>/Messages.json' \\\n  --data-urlencode 'To=+15550001111' \\\n  --data-urlencode 'From=+15550003333' \\\n  --data-urlencode 'Body=Your parcel is here' \\\n  -u '<ACCOUNT_SID>:<API_KEY>'",
		answer: twilioMessage, failure: twilioFailure{},
		differs: []string{
			"The account sid is that of the account here, the auth token an API key of ours.",
			"Ids are SM and the 32 hex digits of our message id. price is null.",
			"From is the number of a channel here, or MessagingServiceSid the one that is set on it.",
			"StatusCallback is honoured, signed with a token of the account (GET /v1/webhooks/twilio-token).",
			"SendAt takes any time to come and needs no Messaging Service. A message is cancelled at POST /v1/messages/{id}/cancel: updating, redacting and deleting are not served, nor is XML.",
		},
		routes: map[string]routeDoc{
			"POST " + twilioList: {summary: "send a message", request: twilioRequest{}, body: twilioForm, form: true, reply: twilioResource{}, status: 201, answer: twilioMessage},
			"GET " + twilioList: {
				summary: "list messages", reply: twilioPage{}, status: 200,
				query: []huma.Param{
					query("To", "string", ""), query("From", "string", ""), query("DateSent", "string", "A day, or a second."), query("DateSent<", "string", "Up to then."), query("DateSent>", "string", "From then on."),
					query("PageSize", "integer", "Up to 1000; 50 when left out."), query("PageToken", "string", "As next_page_uri has it."), query("Page", "integer", ""),
				},
				answer: `{"messages":[` + twilioMessage + `],"page":0,"page_size":50,"start":0,"end":0,"uri":"` + twilioURI + `","first_page_uri":"` + twilioURI + `?Page=0&PageSize=50","previous_page_uri":null,"next_page_uri":null}`,
			},
			"GET /2010-04-01/Accounts/:sid/Messages/:message": {summary: "show a message", reply: twilioResource{}, status: 200, answer: twilioMessage},
		},
	},
}
