package dispatch

import (
	"maps"
	"slices"
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

	// Unreadable reports that no key of SENDOFF_SECRET_KEY opens the secrets, which
	// are empty then: nothing is sent, what is accepted waits.
	Unreadable bool

	// OldCallbacks are the callback secrets before rotations: a provider's
	// console cannot be changed at the same moment, and messages sent before
	// call back at the old address.
	OldCallbacks OldSecrets
}

// RotateCallback sets a new callback secret. The old one stays valid until
// then. It returns ErrTooManySecrets if too many old ones are valid.
func (c *Channel) RotateCallback(secret string, until time.Time) error {
	olds, err := c.OldCallbacks.Add(c.Secrets[CallbackSecret], until, time.Now())
	if err != nil {
		return err
	}
	c.OldCallbacks, c.Secrets[CallbackSecret] = olds, secret
	return nil
}

// BeforeRotation returns the channel with each callback secret that is still
// valid at now beside the present one.
func (c *Channel) BeforeRotation(now time.Time) []*Channel {
	var before []*Channel
	for _, s := range c.OldCallbacks.Valid(now) {
		old := *c
		old.Secrets = maps.Clone(c.Secrets)
		old.Secrets[CallbackSecret] = s.Secret
		before = append(before, &old)
	}
	return before
}

// OldSecret is a secret before a rotation, which stays valid until then.
type OldSecret struct {
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

// OldSecrets are the secrets before the last rotations, the newest first. Each
// has its own end: a second rotation does not shorten the overlap of the first.
type OldSecrets []OldSecret

// MaxOldSecrets is how many old secrets may be valid at once.
const MaxOldSecrets = 10

// ErrTooManySecrets is returned for a rotation while MaxOldSecrets old secrets
// are valid.
var ErrTooManySecrets = Errorf(Conflict, "%d old secrets are still valid; rotate again when one has ended", MaxOldSecrets)

// Valid returns the secrets that are valid at now.
func (o OldSecrets) Valid(now time.Time) OldSecrets {
	return slices.DeleteFunc(slices.Clone(o), func(s OldSecret) bool { return s.Secret == "" || !now.Before(s.Until) })
}

// Add returns the valid secrets of o with one more. A rotation without an overlap
// (until is not after now) ends all of them: a secret may have leaked. It returns
// ErrTooManySecrets if there are too many.
func (o OldSecrets) Add(secret string, until, now time.Time) (OldSecrets, error) {
	valid := o.Valid(now)
	switch {
	case !now.Before(until):
		return nil, nil
	case secret == "":
		return valid, nil
	}
	if len(valid) >= MaxOldSecrets {
		return o, ErrTooManySecrets
	}
	return slices.Insert(valid, 0, OldSecret{secret, until}), nil
}

// End returns the end of the newest secret that is valid at now, or nil.
func (o OldSecrets) End(now time.Time) *time.Time {
	if valid := o.Valid(now); len(valid) > 0 {
		return &valid[0].Until
	}
	return nil
}

// WhatsApp reports whether the channel sends WhatsApp messages, so that
// templates and the conversation window apply.
func (c *Channel) WhatsApp() bool { return c.Kind == "whatsapp" }

// Policy sets the rate, concurrency and retries of a channel.
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
	Portfolio        string           // channels of one name share a messaging limit; empty: those of the provider that name none
	MessagingLimit   int              // unique users outside conversation windows in a moving 24 h; -1: unlimited; 0: not known
	MessagingReserve float64          // share of MessagingLimit that campaigns leave to other messages
}

// DefaultPolicy returns the policy of a channel for which nothing else is known.
func DefaultPolicy() Policy {
	return Policy{
		Rate: 20, Concurrency: 100, MaxAttempts: 6, BackoffBase: 2 * time.Second, BackoffCap: 5 * time.Minute,
		ResolveWindow: [3]time.Duration{10 * time.Second, time.Minute, 15 * time.Minute}, UnknownRetries: [3]int{1, 1, 0},
		MessagingReserve: 0.1,
	}
}

// How bad a report of a provider is.
const (
	LevelOK       = "ok"
	LevelWarning  = "warning"  // messages are still sent
	LevelCritical = "critical" // messages fail, or will
)

// ChannelReport is the last that a provider has reported of a channel about a
// subject. Its JSON form is the native API's.
type ChannelReport struct {
	Subject string    `db:"subject" json:"subject" doc:"account, review, alert, quality, display_name, messaging_limit or error."`
	Level   string    `db:"level" json:"level" enum:"ok,warning,critical"`
	Value   string    `db:"value" json:"value" doc:"The provider's word or code."`
	Detail  string    `db:"detail" json:"detail,omitempty"`
	At      time.Time `db:"at" json:"at"`
	Account bool      `db:"-" json:"-"` // it concerns all channels of the same business account
}
