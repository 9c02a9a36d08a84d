package dispatch

import "time"

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
}

// Inbound is a message that a contact sent to a channel.
type Inbound struct {
	Channel    int64
	From       string // E.164
	WaID       string
	Name       string
	ProviderID string
	Type       string
	Text       string
	Raw        string // JSON, as received
	Stop       bool   // the contact asks for no more messages
	Start      bool   // the contact asks for messages again
	At         time.Time
}
