package manage

import (
	"regexp"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

const (
	callbackSecret = dispatch.CallbackSecret
	defaultPrice   = "default" // "" in a policy
)

// ChannelFields are what may be said of a channel at any time.
type ChannelFields struct {
	Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Sender   *string            `json:"sender,omitempty" minLength:"1" maxLength:"64" doc:"The number in international form; an SMS channel may have a short code or a name of up to 11 letters and digits."`
	Default  *bool              `json:"default,omitempty" doc:"Whether messages that name no channel go here; one channel of the account at most."`
	Enabled  *bool              `json:"enabled,omitempty"`
	Window   *string            `json:"window,omitempty" enum:"enforce,provider" doc:"Who refuses free-form content outside the conversation window: we (enforce) or the provider."`
	Settings map[string]*string `json:"settings,omitempty"`
	Secrets  map[string]*string `json:"secrets,omitempty"`
	Policy   *policyFields      `json:"policy,omitempty"`
}

type channelCreate struct{ Body channelCreateBody }

type channelCreateBody struct {
	ChannelFields
	Provider string `json:"provider,omitempty"`
	Kind     string `json:"kind,omitempty" enum:"whatsapp,sms" doc:"whatsapp when left out."`
	Key      string `json:"key,omitempty" pattern:"^[A-Za-z][A-Za-z0-9_-]{2,63}$" doc:"A name for clients that name channels by key; made when left out."`
}

type channelUpdate struct {
	IDPath
	Body channelUpdateBody
}

type channelUpdateBody struct {
	ChannelFields
	Overlap *int `json:"callback_overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the old callback_secret still works beside a new one; a day when left out, 0: not at all."`
}

type callbackRotate struct {
	IDPath
	Body *struct {
		Overlap *int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the old secret still works; a day when left out, 0: not at all."`
	}
}

// overlapUntil is when an overlap of so many seconds ends that begins now; nil:
// a day.
func overlapUntil(seconds *int) time.Time {
	overlap := secretOverlap
	if seconds != nil {
		overlap = time.Duration(*seconds) * time.Second
	}
	return time.Now().Add(overlap)
}

// policyFields change a policy; what is left out stays.
type policyFields struct {
	Rate             *float64           `json:"rate,omitempty" minimum:"0.01" maximum:"100000" doc:"Messages a second, over all workers."`
	Concurrency      *int               `json:"concurrency,omitempty" minimum:"1" maximum:"10000" doc:"Calls at once, of each worker."`
	RecipientSpacing *float64           `json:"recipient_spacing_s,omitempty" minimum:"0" maximum:"86400" doc:"Seconds between two messages to one recipient."`
	MaxAttempts      *int               `json:"max_attempts,omitempty" minimum:"1" maximum:"100"`
	MaxAge           *float64           `json:"max_age_s,omitempty" minimum:"0" maximum:"2592000" doc:"Seconds since a message was due after which it isn't tried again; 0: until it expires."`
	BackoffBase      *float64           `json:"backoff_base_s,omitempty" minimum:"0.01" maximum:"3600"`
	BackoffCap       *float64           `json:"backoff_cap_s,omitempty" minimum:"0.01" maximum:"86400"`
	ResolveWindow    *resolveFields     `json:"resolve_window_s,omitempty" doc:"How many seconds an unknown outcome waits for a callback."`
	UnknownRetries   *retryFields       `json:"unknown_retries,omitempty" doc:"How often an outcome that stays unknown is tried again."`
	Price            map[string]decimal `json:"price,omitempty" doc:"Credits of a message by template category (authentication, utility, marketing) and default; replaces all prices."`
}

type resolveFields struct {
	OTP    *float64 `json:"otp,omitempty" minimum:"0" maximum:"86400"`
	Normal *float64 `json:"normal,omitempty" minimum:"0" maximum:"86400"`
	Bulk   *float64 `json:"bulk,omitempty" minimum:"0" maximum:"86400"`
}

type retryFields struct {
	OTP    *int `json:"otp,omitempty" minimum:"0" maximum:"10"`
	Normal *int `json:"normal,omitempty" minimum:"0" maximum:"10"`
	Bulk   *int `json:"bulk,omitempty" minimum:"0" maximum:"10"`
}

// channel makes a new channel of what was said.
func (in *channelCreate) channel(s *server, account int64) (*dispatch.Channel, error) {
	b := &in.Body
	ch := &dispatch.Channel{Account: account, Key: b.Key, Provider: b.Provider, Kind: b.Kind, Window: "enforce", Enabled: true, Policy: dispatch.DefaultPolicy()}
	if ch.Kind == "" {
		ch.Kind = "whatsapp"
	}
	var f dispatch.Faults
	spec := s.spec(b.Provider)
	switch {
	case b.Provider == "":
		f.Add("/provider", "is required")
	case spec == nil:
		f.Add("/provider", "is not served here")
	case !spec.HasKind(ch.Kind):
		f.Add("/kind", "%s has no %s channels", ch.Provider, ch.Kind)
	}
	if spec != nil {
		ch.Policy = spec.Policy()
	}
	if b.Name == nil {
		f.Add("/name", "is required")
	}
	if b.Sender == nil {
		f.Add("/sender", "is required")
	}
	if b.Enabled != nil && !*b.Enabled {
		f.Add("/enabled", "a channel is made enabled; disable it afterwards")
	}
	b.fill(ch, spec, &f)
	return ch, f.Err()
}

// apply changes ch, which is a channel of the vendor that spec describes.
func (b *ChannelFields) apply(ch *dispatch.Channel, spec *provider.Spec) error {
	var f dispatch.Faults
	b.fill(ch, spec, &f)
	return f.Err()
}

// fill puts what was said into ch, and checks it.
func (b *ChannelFields) fill(ch *dispatch.Channel, spec *provider.Spec, f *dispatch.Faults) {
	set(&ch.Name, b.Name)
	set(&ch.Default, b.Default)
	set(&ch.Enabled, b.Enabled)
	set(&ch.Window, b.Window)
	if b.Name != nil && strings.TrimSpace(ch.Name) == "" {
		f.Add("/name", "must not be blank")
	}
	if b.Sender != nil {
		ch.Sender = sender(f, ch.Kind, *b.Sender)
	}
	if b.Policy != nil {
		b.Policy.apply(&ch.Policy, f)
	}
	if spec != nil {
		spec.Configure(ch, b.Settings, b.Secrets, f)
	}
}

var (
	shortCode = regexp.MustCompile(`^\d{3,8}$`)
	smsName   = regexp.MustCompile(`^[A-Za-z0-9 &._-]{1,11}$`)
	anyLetter = regexp.MustCompile(`[A-Za-z]`)
)

// sender reads who a channel sends as.
func sender(f *dispatch.Faults, kind, s string) string {
	s = strings.TrimSpace(s)
	if kind == "sms" && (shortCode.MatchString(s) || (smsName.MatchString(s) && anyLetter.MatchString(s))) {
		return s
	}
	return phone(f, "/sender", s)
}

// apply changes p.
func (b *policyFields) apply(p *dispatch.Policy, f *dispatch.Faults) {
	set(&p.Rate, b.Rate)
	set(&p.Concurrency, b.Concurrency)
	set(&p.MaxAttempts, b.MaxAttempts)
	setSeconds(&p.RecipientSpacing, b.RecipientSpacing)
	setSeconds(&p.MaxAge, b.MaxAge)
	setSeconds(&p.BackoffBase, b.BackoffBase)
	setSeconds(&p.BackoffCap, b.BackoffCap)
	if p.BackoffCap < p.BackoffBase {
		f.Add("/policy/backoff_cap_s", "must not be below backoff_base_s")
	}
	if w := b.ResolveWindow; w != nil {
		setSeconds(&p.ResolveWindow[dispatch.OTP], w.OTP)
		setSeconds(&p.ResolveWindow[dispatch.Normal], w.Normal)
		setSeconds(&p.ResolveWindow[dispatch.Bulk], w.Bulk)
	}
	if u := b.UnknownRetries; u != nil {
		set(&p.UnknownRetries[dispatch.OTP], u.OTP)
		set(&p.UnknownRetries[dispatch.Normal], u.Normal)
		set(&p.UnknownRetries[dispatch.Bulk], u.Bulk)
	}
	if b.Price != nil {
		p.Price = prices(f, b.Price)
	}
}

// prices reads what a message costs by category.
func prices(f *dispatch.Faults, given map[string]decimal) map[string]int64 {
	out := map[string]int64{}
	for category, price := range given {
		at := "/policy/price/" + dialect.Escape(category)
		switch category {
		case defaultPrice:
			category = ""
		case "authentication", "utility", "marketing":
		default:
			f.Add(at, "must be default, authentication, utility or marketing")
		}
		price.check(f, at)
		if price < 0 {
			f.Add(at, "must not be negative")
		}
		out[category] = int64(price)
	}
	return out
}

// setSeconds changes what was given.
func setSeconds(d *time.Duration, s *float64) {
	if s != nil {
		*d = time.Duration(*s * float64(time.Second))
	}
}
