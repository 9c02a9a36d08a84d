package webhook

import (
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/apidoc"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// The payloads of events in the standard format, as the description of the API shows
// them. The names of the types are the names of the schemas.
type (
	messageEvent struct {
		Type      string        `json:"type"`
		Timestamp time.Time     `json:"timestamp" doc:"When it happened."`
		Data      messageStatus `json:"data"`
	}
	messageStatus struct {
		dispatch.View

		Sequence int    `json:"sequence" doc:"Place among the states of the message; the highest is the newest, in whatever order they arrive."`
		Cause    string `json:"cause,omitempty" doc:"Why the status changed, where that is not plain."`
	}
	inboundEvent struct {
		Type      string         `json:"type"`
		Timestamp time.Time      `json:"timestamp" doc:"When the contact wrote."`
		Data      inboundMessage `json:"data"`
	}
	inboundMessage struct {
		dispatch.Received

		Raw apidoc.Object `json:"raw,omitzero" doc:"The provider's own object."`
	}
	channelEvent struct {
		Type      string      `json:"type"`
		Timestamp time.Time   `json:"timestamp" doc:"When it happened."`
		Data      channelData `json:"data"`
	}
	campaignEvent struct {
		Type      string        `json:"type"`
		Timestamp time.Time     `json:"timestamp" doc:"When the campaign finished."`
		Data      apidoc.Object `json:"data" doc:"The campaign: its id, name, counts and cause."`
	}
)

const (
	exampleMessage = `{"type":"message.delivered","timestamp":"2026-11-29T08:23:57.12Z",` +
		`"data":{"message_id":"01932f6e-7a40-7c31-9f1b-0242ac120002",` +
		`"status":"delivered","channel_id":1,"to":"+15550000100","type":"template","lane":"normal","reference":"order-17","maybe_sent":false,` +
		`"attempts":1,"provider_message_id":"wamid.HBgL","expires_at":"2026-11-30T08:23:56Z","created_at":"2026-11-29T08:23:56Z",` +
		`"updated_at":"2026-11-29T08:23:57.12Z","sent_at":"2026-11-29T08:23:56.4Z","delivered_at":"2026-11-29T08:23:57.12Z","sequence":4}}`
	exampleInbound = `{"type":"message.inbound","timestamp":"2026-11-29T08:23:57Z","data":{"id":"01932f6e-7a40-7c31-9f1b-0242ac120003",` +
		`"channel_id":1,"from":"+15550000100","type":"text","text":"Is it on its way?","provider_message_id":"wamid.HBgM",` +
		`"at":"2026-11-29T08:23:57Z","received_at":"2026-11-29T08:23:57.3Z"}}`
	exampleChannel = `{"type":"channel.paused","timestamp":"2026-11-29T08:23:57Z","data":{"channel_id":1,` +
		`"channel_key":"ch_4af3bec7cdb5711ee297",` +
		`"reason":"number under review"}}`
	exampleCampaign = `{"type":"campaign.finished","timestamp":"2026-11-29T08:23:57Z","data":{"campaign_id":7,"name":"Spring",` +
		`"status":"finished"}}`
)

// Events describes what webhooks receive.
func Events() (all []apidoc.Event) {
	for _, e := range events {
		d := apidoc.Event{Name: e.name}
		switch {
		case e.kind == 0:
			continue
		case e.kind == dispatch.EventInbound:
			d.Summary, d.Type, d.Example = "A contact wrote", inboundEvent{}, exampleInbound
		case e.kind == dispatch.EventCampaignFinished:
			d.Summary, d.Type, d.Example = "A campaign finished", campaignEvent{}, exampleCampaign
		case e.kind == dispatch.EventChannelPaused, e.kind == dispatch.EventChannelResumed:
			d.Summary, d.Type, d.Example = "A channel stopped or started to send", channelEvent{},
				strings.Replace(exampleChannel, "channel.paused", e.name, 1)
		default:
			d.Summary, d.Type, d.Example = "A message changed its status", messageEvent{},
				strings.Replace(exampleMessage, "message.delivered", e.name, 1)
		}
		all = append(all, d)
	}
	return all
}
