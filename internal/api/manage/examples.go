package manage

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

const (
	exampleTemplate = `{"name":"pickup","language":"en","category":"utility","components":[{"type":"body",` +
		`"text":"Hi {{1}}, your order {{2}} can be picked up.","variables":["customer_name","order_id"]}]}`
	exampleCampaign = `{"name":"Spring","channel":1,"type":"template","template":{"name":"order_confirmation","language":"en",` +
		`"variables":{"customer_name":"{{name}}","order_id":"{{order}}","total":"{{total}}"}},"audience":{"contacts":[` +
		`{"to":"+15550000100","fields":{"name":"Ada","order":"A-17","total":"9.90"}}]},"rate":50}`
)

// examples are bodies of requests by method and path.
var examples = map[string]string{
	"PATCH /v1/account":                      `{"default_region":"US","opt_out_languages":["en","es"]}`,
	"POST /v1/campaigns":                     exampleCampaign,
	"PATCH /v1/campaigns/{id}":               `{"rate":20}`,
	"PATCH /v1/channels/{id}":                `{"name":"Orders","policy":{"rate":40,"concurrency":200}}`,
	"POST /v1/channels/{id}/pause":           `{"reason":"number under review"}`,
	"POST /v1/channels/{id}/callback-secret": `{"overlap_seconds":86400}`,
	"POST /v1/contacts": `{"phone":"+15550000100","name":"Ada","fields":{"order":"A-17"},"time_zone":"Europe/Berlin",` +
		`"list_ids":[1]}`,
	"PATCH /v1/contacts/{id}": `{"name":"Ada Lovelace"}`,
	"POST /v1/credits":        `{"enabled":true,"amount":100}`,
	"POST /v1/erasures":       `{"phone":"+15550000100"}`,
	"POST /v1/keys": `{"name":"backend","permissions":["send_template","view_messages"],"rate_per_minute":600,` +
		`"countries":["US","DE"]}`,
	"PATCH /v1/keys/{id}":             `{"active":false}`,
	"POST /v1/keys/{id}/rotate":       `{"overlap_seconds":86400}`,
	"POST /v1/lists":                  `{"name":"Customers","time_zone":"Europe/Berlin"}`,
	"PATCH /v1/lists/{id}":            `{"name":"Old customers"}`,
	"POST /v1/lists/{id}/members":     `{"contact_ids":[1,2]}`,
	"POST /v1/suppressions":           `{"phone":"+15550000100","scope":"marketing","reason":"asked by phone"}`,
	"POST /v1/templates":              exampleTemplate,
	"PUT /v1/templates/{id}":          exampleTemplate,
	"PATCH /v1/templates/{id}":        `{"status":"paused"}`,
	"POST /v1/templates/sync":         `{"channel":1}`,
	"POST /v1/templates/{id}/preview": `{"variables":{"customer_name":"Ada","order_id":"A-17"}}`,
	"POST /v1/users":                  `{"name":"Ada Lovelace","email":"ada@example.com","role":"sender"}`,
	"PATCH /v1/users/{id}":            `{"role":"admin"}`,
	"POST /v1/webhooks":               `{"url":"https://example.com/webhooks","events":["message.delivered","message.failed"]}`,
	"PATCH /v1/webhooks/{id}":         `{"enabled":true}`,
	"POST /v1/webhooks/{id}/rotate":   `{"overlap_seconds":86400}`,
	"POST /v1/webhooks/{id}/replay":   `{"from":"2026-11-29T08:00:00Z","to":"2026-11-29T09:00:00Z"}`,
}

// exampleBody returns the description of a body with its example, or nil. huma adds
// the schema.
func exampleBody(method, path string) *huma.RequestBody {
	text, ok := examples[method+" "+path]
	if !ok {
		return nil
	}
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: json.RawMessage(text)}}}
}

// exampleChannel describes a channel of the first vendor, with the settings and
// secrets that it requires.
func (m *manager) exampleChannel() {
	if len(m.Specs) == 0 {
		return
	}
	spec := m.Specs[0]
	settings, secrets := map[string]string{}, map[string]string{}
	for _, f := range spec.Settings {
		if f.Required {
			settings[f.Name] = "106540352242922"
		}
	}
	for _, f := range spec.Secrets {
		if f.Required {
			secrets[f.Name] = "..."
		}
	}
	raw, _ := json.Marshal(map[string]any{ // texts alone
		"provider": spec.Name, "name": "Orders", "sender": "+15551234567", "settings": settings, "secrets": secrets,
	})
	for _, media := range m.api.OpenAPI().Paths["/v1/channels"].Post.RequestBody.Content {
		media.Example = json.RawMessage(raw)
	}
}
