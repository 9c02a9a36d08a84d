package webhook

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// Render makes the bytes of an event in its endpoint's format; false: that
// format has no word for it.
func Render(e *hookstore.Event) (string, bool) {
	var v *dispatch.View
	if e.View != nil {
		v = viewAt(e)
	}
	switch e.Format {
	case Meta:
		return renderMeta(e, v)
	case Twilio:
		return renderTwilio(e, v)
	case Kaleyra:
		return renderKaleyra(e, v)
	}
	return renderStandard(e, v)
}

// viewAt is the message as it was at the event: the row may have moved on, and
// a later change isn't shown before its own event.
func viewAt(e *hookstore.Event) *dispatch.View {
	v, st := *e.View, dispatch.Status(e.Kind)
	v.Status, v.StatusName, v.UpdatedAt, v.Content, v.Receipt = st, st.String(), e.At.UTC(), nil, ""
	if st != dispatch.Delivered && st != dispatch.Read {
		v.DeliveredAt, v.Anomaly = nil, false
	}
	if st != dispatch.Read {
		v.ReadAt = nil
	}
	if st < dispatch.Sent {
		v.SentAt, v.ProviderMessageID, v.MaybeSent, v.Attempts = nil, "", false, 0
	}
	if !st.Final() {
		v.FailedAt, v.Error = nil, nil
	} else if v.Error == nil && (e.Code != "" || e.Detail != "") { // overtaken by a delivery receipt
		v.Error = &dispatch.ViewError{Code: e.Code, Message: e.Detail}
	}
	if st >= dispatch.Sent {
		v.NextAttemptAt = nil
	}
	return &v
}

// envelope is the payload of Standard Webhooks.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// messageData is a message's state with its place among the states of that
// message: deliveries may overtake each other, the highest sequence is newest.
type messageData struct {
	*dispatch.View
	Sequence int    `json:"sequence"`
	Cause    string `json:"cause,omitempty"`
}

type inboundData struct {
	dispatch.Received
	Raw json.RawMessage `json:"raw,omitempty"` // as the provider sent it
}

type channelData struct {
	Channel int64  `json:"channel_id"`
	Key     string `json:"channel_key,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func renderStandard(e *hookstore.Event, v *dispatch.View) (string, bool) {
	out := envelope{Type: EventName(e.Kind), Timestamp: e.At.UTC()}
	switch {
	case e.Kind == dispatch.EventInbound && e.Inbound != nil:
		d := inboundData{Received: e.Inbound.Received}
		if json.Valid([]byte(e.Inbound.Raw)) {
			d.Raw = json.RawMessage(e.Inbound.Raw)
		}
		out.Data = d
	case e.Kind == dispatch.EventCampaignFinished: // the event's detail is an object that describes the campaign
		out.Data = struct {
			Detail string `json:"detail,omitempty"`
		}{e.Detail}
		if json.Valid([]byte(e.Detail)) {
			out.Data = json.RawMessage(e.Detail)
		}
	case e.Kind == dispatch.EventChannelPaused || e.Kind == dispatch.EventChannelResumed:
		d := channelData{Channel: e.Channel, Reason: e.Detail}
		if e.Sender != nil {
			d.Key = e.Sender.Key
		}
		out.Data = d
	case v != nil:
		out.Data = messageData{View: v, Sequence: e.Seq, Cause: e.Cause}
	default:
		return "", false // what it tells of is gone
	}
	return encode(out)
}

func encode(v any) (string, bool) {
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// TestPayload is what a test delivery carries: an event of its own in the
// standard format, in a vendor's the delivery receipt of a message that isn't.
func TestPayload(format, accountSID string, at time.Time) string {
	if format == Standard {
		s, _ := encode(envelope{
			Type: EventName(0), Timestamp: at.UTC(),
			Data: map[string]string{"message": "This is a test of your webhook endpoint. No message stands behind it."},
		})
		return s
	}
	at = at.UTC().Truncate(time.Second)
	s, _ := Render(&hookstore.Event{
		Event: dispatch.Event{Kind: int16(dispatch.Delivered), At: at, Seq: 1}, Format: format, SID: accountSID,
		View: &dispatch.View{
			ID: uuid.Max, To: "+15550100", Sender: "+15550199", ChannelKind: "whatsapp", Reference: "webhook test",
			SentAt: &at, DeliveredAt: &at,
		},
		Sender: &hookstore.Channel{Kind: "whatsapp", Sender: "+15550199", Provider: "meta"},
	})
	return s
}
