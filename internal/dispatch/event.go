package dispatch

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StatusUpdate is one piece of evidence about a message, from a provider's
// callback or from a query to the provider.
type StatusUpdate struct {
	ID           ID     // ours, when the provider echoes it
	ByRecipient  bool   // the provider echoes no id: a message in doubt may be found by Recipient
	Test         bool   // the emulator sent it: it concerns messages of test keys alone
	Channel      int64  // where the evidence came in
	ProviderID   string // the provider's id of the message
	ProviderRef2 string // a second provider id of the same message (WhatsApp's beside the vendor's)
	Recipient    string // E.164 or the provider's own id of the recipient
	Status       Status // Sent, Delivered, Read or Failed
	At           time.Time
	Code         string // our code, of a failure
	ProviderCode string
	Detail       string
	Suppress     bool   // the recipient refuses messages: suppress it
	WaID         string // the provider's id of the recipient, if it differs
	UserID       string // the recipient's business-scoped user id
	Extra        string // what else the provider reported: StatusExtra as JSON, or empty
}

// StatusExtra is what a provider reports with a status besides it, each in the
// form in which it came (Meta's).
type StatusExtra struct {
	Conversation json.RawMessage `json:"conversation,omitempty"`
	Pricing      json.RawMessage `json:"pricing,omitempty"`
	Errors       json.RawMessage `json:"errors,omitempty"`
}

// maxExtra is the longest StatusExtra that is kept, in bytes of JSON.
const maxExtra = 4096

// Text returns e as JSON, or an empty string if there is nothing in it, or too
// much.
func (e StatusExtra) Text() string {
	b, err := json.Marshal(e)
	if err != nil || len(b) <= len(`{}`) || len(b) > maxExtra {
		return ""
	}
	return string(b)
}

// Inbound is a message that a contact sent to a channel.
type Inbound struct {
	Channel    int64
	From       string // the person's id, as person.ID returns it
	WaID       string
	UserID     string // WhatsApp's business-scoped id of the person
	Username   string
	Name       string
	GroupID    string // the group in which it was written: it is no private conversation
	MovedTo    string // the person's new id: a notice by the provider, not the contact's message
	ProviderID string
	Type       string
	Text       string
	Content    InboundContent
	Raw        string // JSON, as received
	Stop       bool   // the contact asks for no more messages
	Start      bool   // the contact asks for messages again
	At         time.Time
}

// Private reports whether the contact wrote to the channel alone: only that
// opens a conversation window or opts out.
func (in *Inbound) Private() bool { return in.GroupID == "" && in.MovedTo == "" }

// Consent is what a provider reports of a person's wish for messages, besides
// what the person wrote.
type Consent struct {
	Person  string // its id, as person.ID returns it
	Start   bool   // messages are welcome again; false: no more
	Scope   string // ScopeAll or ScopeMarketing
	Refused bool   // it follows from a message that was refused
	Detail  string
	At      time.Time
}

// The kinds of events beside the statuses: an event whose kind is a Status
// records that a message reached it.
const (
	EventInbound          = 101 // a contact sent a message
	EventCampaignFinished = 102
	EventChannelPaused    = 103
	EventChannelResumed   = 104
	EventNote             = 105 // no status changed: a late or repeated callback, an edit
	EventWebhookDisabled  = 106 // an endpoint was disabled after failures
	EventCampaign         = 107 // a campaign's state changed
	EventCampaignProgress = 108 // a campaign's counts changed
	EventTemplate         = 109 // a provider reported a template; code is its status
	EventChannel          = 110 // a provider reported a channel; code is the level
	EventAttempt          = 200 // a provider call; in timelines only, never stored as an event
)

var eventNames = map[int16]string{
	EventInbound: "inbound", EventCampaignFinished: "campaign.finished",
	EventChannelPaused: "channel.paused", EventChannelResumed: "channel.resumed",
	EventCampaign: "campaign.changed", EventCampaignProgress: "campaign.progress",
	EventNote: "note", EventWebhookDisabled: "webhook.disabled", EventTemplate: "template.updated", EventChannel: "channel.reported",
	EventAttempt: "attempt",
}

// EventName returns the name of an event kind as timelines show it.
func EventName(kind int16) string {
	if name, ok := eventNames[kind]; ok {
		return name
	}
	return Status(kind).String()
}

// Event is an entry of the event log.
type Event struct {
	ID      int64     `db:"id"`
	XID     int64     `db:"xid"` // the transaction that wrote it
	Message ID        `db:"message_id"`
	Account int64     `db:"account_id"`
	Channel int64     `db:"channel_id"`
	At      time.Time `db:"at"`
	Kind    int16     `db:"kind"` // a Status or one of the Event constants
	Seq     int       `db:"seq"`  // the version of the message after it
	Cause   string    `db:"cause"`
	Code    string    `db:"code"`
	Detail  string    `db:"detail"`
	Extra   string    `db:"extra"` // StatusExtra as JSON; read for webhooks only
}

// Position returns the place of the event in the log.
func (e *Event) Position() Position { return Position{XID: e.XID, ID: e.ID} }

// EventCount is the number of an account's events of one kind in a part of the log.
type EventCount struct {
	Account int64 `db:"account_id"`
	Kind    int16 `db:"kind"`
	N       int   `db:"n"`
}

// Position is a place in the event log, which is ordered by transaction and id.
// A reader at a position has received every event up to and including it.
type Position struct {
	XID int64 `json:"x"`
	ID  int64 `json:"i"`
}

// String returns the opaque form in which clients send it as Last-Event-ID.
func (p Position) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.XID, p.ID))
}

// Before reports whether p precedes q in the log.
func (p Position) Before(q Position) bool {
	return p.XID < q.XID || (p.XID == q.XID && p.ID < q.ID)
}

// ParsePosition parses the opaque form of a position. It returns Invalid for a
// text that String did not return.
func ParsePosition(s string) (Position, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	xid, id, _ := strings.Cut(string(b), ".")
	x, xidErr := strconv.ParseInt(xid, 10, 64)
	i, idErr := strconv.ParseInt(id, 10, 64)
	if errors.Join(err, xidErr, idErr) != nil || min(x, i) < 0 {
		return Position{}, InvalidField("/last_event_id", "not an event id of ours")
	}
	return Position{XID: x, ID: i}, nil
}

// Received is an inbound message as a reader sees it. Its JSON form is the
// native API's.
type Received struct {
	ID         ID        `db:"id" json:"id"`
	Channel    int64     `db:"channel_id" json:"channel_id"`
	From       Number    `db:"from_phone" json:"from" nullable:"true" doc:"The contact's number; null if only its user_id is known."`
	WaID       string    `db:"wa_id" json:"wa_id,omitempty"`
	UserID     string    `db:"user_id" json:"user_id,omitempty" doc:"WhatsApp's business-scoped id of the contact."`
	Username   string    `db:"username" json:"username,omitempty"`
	Name       string    `db:"name" json:"name,omitempty"`
	GroupID    string    `db:"group_id" json:"group_id,omitempty" doc:"The group in which it was written."`
	MovedTo    string    `db:"moved_to" json:"moved_to,omitempty" doc:"The contact's new number, of a notice that it changed."`
	Type       string    `db:"type" json:"type"`
	Text       string    `db:"text" json:"text,omitempty"`
	ProviderID string    `db:"provider_id" json:"provider_message_id"`
	At         time.Time `db:"at" json:"at"`
	ReceivedAt time.Time `db:"received_at" json:"received_at"`

	InboundContent `db:"-"`
	Stored         string `db:"content" json:"-"` // InboundContent as JSON; see Open
}

// Number is the number of a person, or empty where none is known. In JSON the
// empty one is null.
type Number string

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(n))
}

// IgnoredCallback is a callback of a provider that no status or message was read
// from. Its JSON form is the native API's.
type IgnoredCallback struct {
	ID       ID        `db:"id" json:"id"`
	Channel  int64     `db:"channel_id" json:"channel_id"`
	Provider string    `db:"provider" json:"provider"`
	Kind     string    `db:"kind" json:"kind" doc:"What the provider calls it: a field, an event or a status."`
	Reason   string    `db:"reason" json:"reason"`
	Body     string    `db:"body" json:"body" doc:"The beginning of it, with numbers and texts masked."`
	At       time.Time `db:"at" json:"at"`
}

// neverFound is the age from which on a message that is not found never will be: a
// callback overtakes the commit of its message by seconds.
const neverFound = 24 * time.Hour

// Late reports whether u names a message of ours that was removed.
func (u *StatusUpdate) Late(now time.Time) bool {
	s, ns := u.ID.Time().UnixTime()
	return u.ID != NoID && u.ID.Version() == 7 && now.Sub(time.Unix(s, ns)) > neverFound
}

// Unmatched returns u as a callback that no message was found for.
func (u *StatusUpdate) Unmatched(ch *Channel) IgnoredCallback {
	body := struct {
		ID     ID        `json:"message_id"`
		Status string    `json:"status"`
		At     time.Time `json:"at"`
		Code   string    `json:"code,omitempty"`
	}{u.ID, u.Status.String(), u.At.UTC(), u.Code}
	text, _ := json.Marshal(body) // never fails
	return IgnoredCallback{
		ID: NewID(), Channel: ch.ID, Provider: ch.Provider, Kind: "status", Reason: "there is no such message (any more)", Body: string(text),
	}
}

// CallbackCount is a number of callbacks of a channel that were taken or, with a
// reason, rejected.
type CallbackCount struct {
	Channel int64
	Reason  string
	N       int64
}
