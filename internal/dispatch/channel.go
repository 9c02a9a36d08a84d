package dispatch

import (
	"maps"
	"time"
)

// CallbackSecret is the name of the secret that is part of the callback address
// of a provider that does not sign its callbacks.
const CallbackSecret = "callback_secret"

// Channel is a sender at a provider: a WhatsApp number or an SMS sender.
type Channel struct {
	ID       int64
	Account  int64
	Key      string // stands in callback addresses; not a secret
	Name     string
	Provider string // a vendor's name
	Kind     string // whatsapp or sms
	Sender   string // E.164, or the provider's sender name
	Default  bool
	Enabled  bool
	Window   string            // enforce (default) or provider: who refuses free-form content outside the conversation window
	Settings map[string]string // base_url, phone_number_id, ... (not secret)
	Secrets  map[string]string // access_token, app_secret, ... (encrypted at rest)
	Policy   Policy

	// OldCallback is the callback secret before its rotation, good until then: a
	// provider's console can't be changed at the same moment, and messages sent
	// before call back at the old address.
	OldCallback      string
	OldCallbackUntil time.Time
}

// RotateCallback sets a new callback secret. The old one stays valid until
// then.
func (c *Channel) RotateCallback(secret string, until time.Time) {
	c.OldCallback, c.OldCallbackUntil = c.Secrets[CallbackSecret], until
	c.Secrets[CallbackSecret] = secret
}

// BeforeRotation returns the channel with the callback secret before its
// rotation, while that one is still valid at now; false if there is none.
func (c *Channel) BeforeRotation(now time.Time) (*Channel, bool) {
	if c.OldCallback == "" || !now.Before(c.OldCallbackUntil) {
		return nil, false
	}
	old := *c
	old.Secrets = maps.Clone(c.Secrets)
	old.Secrets[CallbackSecret] = c.OldCallback
	return &old, true
}

// WhatsApp reports whether the channel sends WhatsApp messages, so that
// templates and the conversation window apply.
func (c *Channel) WhatsApp() bool { return c.Kind == "whatsapp" }

// Policy sets the rate, concurrency and retries of a channel (SPEC 6).
type Policy struct {
	Rate             float64       // messages per second over all workers
	Concurrency      int           // calls at once, each worker
	RecipientSpacing time.Duration // between two messages to one recipient; 0: none
	MaxAttempts      int           // counted tries; 429 is not one
	MaxAge           time.Duration // since due; 0: until the message expires
	BackoffBase      time.Duration // full jitter over base·2ⁿ
	BackoffCap       time.Duration
	ResolveWindow    [3]time.Duration // by lane: how long an unknown outcome waits for a callback
	UnknownRetries   [3]int           // by lane: U
	Price            map[string]int64 // millionths of a credit by template category ("" = default)
}

// DefaultPolicy returns the policy of a channel for which nothing else is known.
func DefaultPolicy() Policy {
	return Policy{
		Rate: 20, Concurrency: 100, MaxAttempts: 6, BackoffBase: 2 * time.Second, BackoffCap: 5 * time.Minute,
		ResolveWindow: [3]time.Duration{10 * time.Second, time.Minute, 15 * time.Minute}, UnknownRetries: [3]int{1, 1, 0},
	}
}
