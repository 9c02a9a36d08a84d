package stream

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// streamEvent is the data of one server-sent event.
type streamEvent struct {
	Type     string      `json:"type"`
	At       time.Time   `json:"at"`
	Message  dispatch.ID `json:"message_id,omitzero"`
	Channel  int64       `json:"channel_id,omitempty"`
	Sequence int         `json:"sequence,omitempty"`
	Cause    string      `json:"cause,omitempty"`
	Code     string      `json:"code,omitempty"`
	Detail   string      `json:"detail,omitempty"`
}

// frame is an event as it is sent, the same bytes for all streams.
type frame struct {
	at      dispatch.Position
	message dispatch.ID
	text    []byte
}

func newFrame(e *dispatch.Event) frame {
	name := eventType(e.Kind)
	if e.Kind == dispatch.EventCampaign || e.Kind == dispatch.EventCampaignProgress || e.Kind == dispatch.EventCampaignFinished {
		return frame{e.Position(), e.Message, fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", e.Position(), name, campaignData(e, name))}
	}
	// Strings, numbers and a recent time: Marshal cannot fail.
	b, _ := json.Marshal(streamEvent{
		Type: name, At: e.At.UTC(), Message: e.Message, Channel: e.Channel, Sequence: e.Seq, Cause: e.Cause, Code: e.Code, Detail: e.Detail,
	})
	return frame{e.Position(), e.Message, fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", e.Position(), name, b)}
}

// skipped is the data of the event that stands for others.
type skipped struct {
	Type   string         `json:"type"`
	At     time.Time      `json:"at"`
	Counts map[string]int `json:"counts"`
}

// newSkipped returns for each account the number of its events up to end, by type.
func newSkipped(counts []dispatch.EventCount, end dispatch.Position) map[int64]frame {
	by := map[int64]skipped{}
	for _, c := range counts {
		if _, ok := by[c.Account]; !ok {
			by[c.Account] = skipped{"events.skipped", time.Now().UTC(), map[string]int{}}
		}
		by[c.Account].Counts[eventType(c.Kind)] += c.N
	}
	frames := map[int64]frame{}
	for account, s := range by {
		b, _ := json.Marshal(s) // texts and numbers: cannot fail
		frames[account] = frame{at: end, text: fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", end, s.Type, b)}
	}
	return frames
}

// campaignData returns the object that describes a campaign in its event, with the
// event's type and time.
func campaignData(e *dispatch.Event, name string) []byte {
	v := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(e.Detail), &v) != nil {
		v = map[string]json.RawMessage{}
	}
	v["type"], _ = json.Marshal(name)
	v["at"], _ = json.Marshal(e.At.UTC())
	b, _ := json.Marshal(v) // as above: cannot fail
	return b
}

// eventType returns the public name of an event's kind.
func eventType(kind int16) string {
	switch name := dispatch.EventName(kind); name {
	case "inbound":
		return "message.inbound"
	case "campaign.finished", "campaign.changed", "campaign.progress", "channel.paused", "channel.resumed", "webhook.disabled",
		"template.updated", "channel.reported":
		return name
	default:
		return "message." + name
	}
}
