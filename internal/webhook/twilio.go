package webhook

import (
	"encoding/json"

	"github.com/sendoff/sendoff/internal/dialect/twilioapi"
	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// TokenPath is the path below the webhooks' of the token that signs status
// callbacks.
const TokenPath = "/twilio-token"

// IsForm reports whether the bodies of the format are forms instead of JSON.
func IsForm(format string) bool { return format == Twilio }

// renderTwilio makes a form as Twilio posts it. There is no callback for the
// first status (queued, scheduled), as with Twilio.
func renderTwilio(e *hookstore.Event, v *dispatch.View) (string, bool) {
	switch {
	case v != nil && v.Status >= dispatch.Sent && v.Status <= dispatch.Unknown:
		return twilioapi.Callback(e.SID, v).Encode(), true
	case e.Kind != dispatch.EventInbound || e.Inbound == nil || e.Sender == nil:
		return "", false
	}
	in := e.Inbound
	form := twilioapi.Received(e.SID, e.Sender.Kind, e.Sender.Sender, in.ID, &dispatch.Inbound{From: string(in.From), WaID: waID(&in.Received), Name: in.Name, Text: in.Text})
	var raw map[string]string
	if e.Sender.Provider == "twilio" && json.Unmarshal([]byte(in.Raw), &raw) == nil {
		for name, value := range raw { // media, buttons, places: as they came
			if !form.Has(name) || name == "NumMedia" || name == "NumSegments" {
				form.Set(name, value)
			}
		}
	}
	return form.Encode(), true
}
