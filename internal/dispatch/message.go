package dispatch

import (
	"encoding/json"
	"time"
)

// Draft is one message as a dialect read it: not yet validated.
type Draft struct {
	Channel   string // id or key; empty: the account's default channel
	ChannelBy ChannelBy
	To        string
	Content   Content
	Variables *Variables // the short way to fill a template
	SendAt    time.Time
	SendGrace time.Duration `json:",omitzero"` // how long ago SendAt may be and still mean now; 0: however long
	ExpiresAt time.Time
	TTL       time.Duration
	Lane      string
	Reference string
	Metadata  json.RawMessage // a JSON object
	Simulate  bool
	Contact   *ContactSave
	UserID    string
	Fallback  []json.RawMessage // native drafts, checked when the message is accepted
	// FallbackAfter sends the fallback also when no delivery came so long after
	// the message was due; 0: only when it failed or expired.
	FallbackAfter time.Duration
	// What the request says of account and channel besides; empty: nothing.
	AccountSID string // kaleyra, twilio: the account's sid
	Provider   string // sociocs: the channel's provider
	Kind       string // whatsapp or sms
	// StatusCallback is where this one message's webhooks go, in Twilio's form.
	StatusCallback string
	// Set by the front door: the request's Idempotency-Key, the draft's place in
	// the request, and a digest of what it asks for.
	IdemKey         string
	IdemIndex       int    `json:"-"`
	IdemFingerprint string `json:"-"`
	Parent          ID     // the message whose fallback this is
}

// ChannelBy says how Draft.Channel names the channel.
type ChannelBy int

// The ways to name a channel.
const (
	ByIDOrKey       ChannelBy = iota
	ByKey                     // the key alone
	BySender                  // the sender's number
	ByPhoneNumberID           // Meta's phone_number_id; our channel id is taken too
)

// Variables fill a template by position, by name or by part.
type Variables struct {
	List           []string
	Named          map[string]string
	Header         map[string]string // Gupshup's parts
	Body           map[string]string
	Buttons        map[string]string
	HeaderMediaURL string
}

// ContactSave asks to create or update the recipient as a contact.
type ContactSave struct {
	Name   string          `json:"name,omitempty"`
	ListID int64           `json:"list_id,omitempty"`
	Fields json.RawMessage `json:"extra_fields,omitempty"`
}

// Message is an accepted message.
type Message struct {
	ID             ID
	Account        int64
	Channel        int64
	Key            int64 // the api key that sent it; 0: none
	Lane           Lane
	To             string // E.164
	Content        Content
	Raw            string // Content as stored JSON; see Load
	Reference      string
	Metadata       string // a JSON object or empty
	User           string // uuid or empty
	Campaign       int64
	Parent         ID   // the message whose fallback this is
	Test           bool // sent by a test key: goes to the emulator only
	Segments       int
	Price          int64     // millionths of a credit
	SendAt         time.Time // zero: at once
	ExpiresAt      time.Time
	CreatedAt      time.Time
	Fallback       string // JSON array of native drafts, or empty
	FallbackAfter  time.Duration
	StatusCallback string // where webhooks of this one message go, in Twilio's form
	Contact        *ContactSave

	// Idempotency: the client's key (empty: none), the message's place in the
	// request, and a digest of what was asked.
	IdemKey         string
	IdemIndex       int
	IdemFingerprint string
}

// Load decodes Raw into Content. A message comes out of the database with Raw
// alone: a provider that speaks the vocabulary of our content needs no more.
func (m *Message) Load() error {
	if m.Content.Type != "" || m.Raw == "" {
		return nil
	}
	return json.Unmarshal([]byte(m.Raw), &m.Content)
}

// Receipt is the answer to one accepted draft.
type Receipt struct {
	ID        ID
	Status    Status
	To        string
	Channel   int64
	SendAt    time.Time
	CreatedAt time.Time
	Replayed  bool // an earlier request with the same Idempotency-Key made it
	Segments  int
	Price     int64
	WouldSend json.RawMessage // of a simulation
	Err       error           // this one message was refused
}

// Page is a run of messages of one channel and lane: what travels together.
type Page struct {
	Channel int64
	Lane    Lane
	IDs     []ID
}

// MaxPage is how many ids a page holds at most.
const MaxPage = 100
