package webhook

import (
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// kaleyraStatus is a callback with the documented variables of a callback
// profile (developers.kaleyra.io/docs/create-wa-callback-profiles-using-dynamic-variables).
type kaleyraStatus struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Mobile    string `json:"mobile"`
	Number    string `json:"phone_number"`
	Timestamp string `json:"timestamp"`
	Error     string `json:"error"`
	ErrorCode string `json:"error_code"`
	Ref       string `json:"ref"`
	Ref1      string `json:"ref1"`
	Ref2      string `json:"ref2"`
}

type kaleyraInbound struct {
	ID        string `json:"id"`
	From      string `json:"from"`
	Mobile    string `json:"mobile"`
	WaNumber  string `json:"wanumber"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Body      string `json:"body"`
	CreatedAt string `json:"created_at"`
}

// kaleyraWord is Kaleyra's word for a status; empty: it has none. What never
// reached the provider is not-sent.
func kaleyraWord(v *dispatch.View) string {
	switch v.Status {
	case dispatch.Sent, dispatch.Delivered, dispatch.Read:
		return v.StatusName
	case dispatch.Failed:
		if v.SentAt != nil {
			return "failed"
		}
		return "not-sent"
	case dispatch.Expired, dispatch.Cancelled:
		return "not-sent"
	case dispatch.Unknown:
		return "sent" // asks nobody to send again
	}
	return ""
}

func renderKaleyra(e *hookstore.Event, v *dispatch.View) (string, bool) {
	if in := e.Inbound; e.Kind == dispatch.EventInbound && in != nil {
		out := kaleyraInbound{ID: in.ID.String(), From: digits(string(in.From)), Mobile: digits(string(in.From)), Name: in.Name, Type: in.Type, Body: in.Text, CreatedAt: in.At.UTC().Format(time.RFC3339)}
		if e.Sender != nil {
			out.WaNumber = digits(e.Sender.Sender)
		}
		return encode(out)
	}
	if v == nil || kaleyraWord(v) == "" {
		return "", false
	}
	meta := metadata(v)
	out := kaleyraStatus{
		ID: v.ID.String(), Status: kaleyraWord(v), Mobile: digits(v.To), Number: digits(v.Sender), Timestamp: epoch(e.At),
		Ref: v.Reference, Ref1: meta["ref1"], Ref2: meta["ref2"],
	}
	if v.Error != nil {
		out.Error, out.ErrorCode = v.Error.Message, v.Error.ProviderCode
		if out.ErrorCode == "" {
			out.ErrorCode = v.Error.Code
		}
	}
	return encode(out)
}
