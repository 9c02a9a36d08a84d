package dispatch

import (
	"encoding/json"
	"time"
)

// Draft is a message as a dialect decoded it, not yet validated.
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
	// FallbackAfter sends the fallback also when no delivery was reported that
	// long after the message was due; 0: only if it fails or expires.
	FallbackAfter time.Duration
	// What the request prescribes for the account and the channel; empty:
	// nothing.
	AccountSID string // kaleyra, twilio: the account's sid
	Provider   string // sociocs: the channel's provider
	Kind       string // whatsapp or sms
	// Faults are those that the reader of the request has found.
	Faults Faults `json:"-"`
	// FaultsFirst is set if for its Faults the refusal is Invalid, whatever else is found, such as
	// a template that does not exist.
	FaultsFirst bool `json:"-"`
	// StatusCallback is the URL of the webhooks of this one message, in
	// Twilio's format.
	StatusCallback string
	// Set by the front door: the request's Idempotency-Key, the index of the
	// draft in the request, and a digest of its content.
	IdemKey         string
	IdemIndex       int    `json:"-"`
	IdemFingerprint string `json:"-"`
	Parent          ID     // the message whose fallback this is
}

// ChannelBy is the kind of name in Draft.Channel.
type ChannelBy int

// The kinds of names.
const (
	ByIDOrKey       ChannelBy = iota
	ByKey                     // the key alone
	BySender                  // the sender's number
	ByPhoneNumberID           // Meta's phone_number_id; our channel id is taken too
)

// Variables are the values of a template: by position, by name or by part.
type Variables struct {
	List           []string
	Named          map[string]string
	Header         map[string]string // Gupshup's parts
	Body           map[string]string
	Buttons        map[string]string
	HeaderMediaURL string
	// HeaderFilename is what a document of the header is called; empty: as its
	// address ends.
	HeaderFilename string
}

// ContactSave is the request to create or update the recipient as a contact.
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
	Traceparent    string // the client's trace context, or empty
	Contact        *ContactSave

	// Idempotency: the client's key (empty: none), the index of the message in
	// the request, and a digest of the request.
	IdemKey         string
	IdemIndex       int
	IdemFingerprint string
}

// Load decodes Raw into Content. A message is read from the database with Raw
// only, which providers that use our content format send as it is.
func (m *Message) Load() error {
	if m.Content.Type != "" || m.Raw == "" {
		return nil
	}
	return json.Unmarshal([]byte(m.Raw), &m.Content)
}

// Receipt is the result of accepting one draft.
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

// Page is a batch of message ids of one channel and lane that travel together.
type Page struct {
	Channel int64
	Lane    Lane
	IDs     []ID
}

// MaxPage is the largest number of ids in a page.
const MaxPage = 100
