package admin

import (
	"context"
	"reflect"
	"regexp"
	"strings"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/provider"
)

// The kinds of channels.
const (
	whatsApp = "whatsapp"
	sms      = "sms"
)

// ChannelFields are the fields of a channel that can change. Fields that are nil
// stay as they are; of settings and secrets those that are named change, and nil
// removes one. provider.Spec describes both by vendor.
type ChannelFields struct {
	Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Sender   *string            `json:"sender,omitempty" minLength:"1" maxLength:"64"`
	Default  *bool              `json:"default,omitempty"`
	Enabled  *bool              `json:"enabled,omitempty" doc:"A disabled channel accepts no messages."`
	Window   *string            `json:"window,omitempty" enum:"enforce,provider"`
	Settings map[string]*string `json:"settings,omitempty"`
	Secrets  map[string]*string `json:"secrets,omitempty"`
	Policy   *PolicyUpdate      `json:"policy,omitempty"`
}

// Docs describes the fields whose names do not.
func (*ChannelFields) Docs() map[string]string {
	return map[string]string{
		"sender": "The number in international form. An SMS channel may also have a short code (3 to 8 digits) or a " +
			"name: 1 to 11 letters, digits, spaces and + - _ &, with at least one letter.",
		"default": "Whether messages that name no channel go here. An account has at most one such channel.",
		"window":  "Who refuses free-form content outside the conversation window: Sendoff (enforce) or the provider.",
	}
}

// ChannelCreate is the input of CreateChannel.
type ChannelCreate struct {
	ChannelFields

	Provider string `json:"provider,omitempty"`
	Kind     string `json:"kind,omitempty" enum:"whatsapp,sms" doc:"whatsapp if left out."`
	Key      string `json:"key,omitempty" pattern:"^[A-Za-z][A-Za-z0-9_-]{2,63}$" rule:"3 to 64 letters, digits, - and _, the first a letter"`
}

// Docs describes the fields whose names do not.
func (*ChannelCreate) Docs() map[string]string {
	docs := new(ChannelFields).Docs()
	docs["key"] = "A name for clients that name channels by key; generated if left out."
	return docs
}

// Required lists the required fields.
func (*ChannelCreate) Required() []string { return []string{"provider", "name", "sender"} }

// ChannelUpdate is the input of UpdateChannel.
type ChannelUpdate struct {
	ChannelFields

	Overlap *int `json:"callback_overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"As overlap_seconds, for a new callback_secret."`
}

// action names the change in the audit log.
func (in ChannelUpdate) action() string {
	on := in.Enabled
	in.Enabled = nil
	return switched("channel", on, reflect.ValueOf(in).IsZero())
}

// channel returns the new channel.
func (in *ChannelCreate) channel(ctx context.Context, s *Service, account int64) (*dispatch.Channel, error) {
	ch := &dispatch.Channel{
		Account: account, Key: in.Key, Provider: in.Provider, Kind: in.Kind, Window: "enforce", Enabled: true, Policy: dispatch.DefaultPolicy(),
	}
	if ch.Kind == "" {
		ch.Kind = whatsApp
	}
	f := input.Check(in)
	spec := s.spec(in.Provider)
	switch {
	case in.Provider == "": // required
	case spec == nil:
		f.Add("/provider", "is not served here")
	case !spec.HasKind(ch.Kind):
		f.AddWith([]string{"/provider"}, "/kind", "%s has no %s channels", ch.Provider, ch.Kind)
	}
	if spec != nil {
		ch.Policy = spec.Policy()
	}
	if in.Enabled != nil && !*in.Enabled {
		f.Add("/enabled", "a channel is created enabled; disable it afterwards")
	}
	in.apply(ch, spec, &f)
	s.checkBaseURL(ctx, in.Settings, &f)
	if spec != nil {
		setDefaults(ch, spec)
	}
	return ch, f.Err()
}

// setDefaults sets the settings that a new channel of the kind starts with.
func setDefaults(ch *dispatch.Channel, spec *provider.Spec) {
	for _, field := range spec.Settings {
		if _, given := ch.Settings[field.Name]; !given && field.Default != "" && (field.Kind == "" || field.Kind == ch.Kind) {
			ch.Settings[field.Name] = field.Default
		}
	}
}

// apply changes ch, which is a channel of the vendor that spec describes, and
// reports what the limits in the tags can't tell.
func (in *ChannelFields) apply(ch *dispatch.Channel, spec *provider.Spec, f *dispatch.Faults) {
	set(&ch.Name, in.Name)
	set(&ch.Default, in.Default)
	set(&ch.Enabled, in.Enabled)
	set(&ch.Window, in.Window)
	if in.Sender != nil && *in.Sender != "" {
		ch.Sender = sender(f, ch.Kind, *in.Sender)
	}
	if in.Policy != nil {
		in.Policy.apply(&ch.Policy, f)
	}
	if spec != nil {
		spec.Configure(ch, in.Settings, in.Secrets, f)
	}
}

// checkBaseURL adds what is wrong with the host of a new base_url.
func (s *Service) checkBaseURL(ctx context.Context, settings map[string]*string, f *dispatch.Faults) {
	base := settings["base_url"]
	if base == nil || *base == "" {
		return
	}
	if wrong := provider.WrongHost(ctx, *base, s.ProviderAllow); wrong != "" {
		f.Add("/settings/base_url", "%s", wrong)
	}
}

// The senders of SMS that are no numbers. Twilio documents the characters of an
// alphanumeric sender: A-Z, a-z, 0-9, space, hyphen, plus, underscore and
// ampersand, at most 11, not only digits
// (twilio.com/docs/messaging/api/alphasender-resource); operators want a letter.
// Eleven is what fits into the originating address (3GPP TS 23.040, 9.1.2.5).
var (
	shortCode = regexp.MustCompile(`^\d{3,8}$`)
	smsName   = regexp.MustCompile(`^[A-Za-z0-9 +&_-]{1,11}$`)
	anyLetter = regexp.MustCompile(`[A-Za-z]`)
)

// smsSenders is the rule for a sender of SMS, in words.
const smsSenders = "must be a number in international form, a short code of 3 to 8 digits, " +
	"or a name of 1 to 11 letters, digits, spaces and + - _ & with at least one letter"

// sender returns the stored form of a channel's sender.
func sender(f *dispatch.Faults, kind, s string) string {
	s = strings.TrimSpace(s)
	if kind == sms && (shortCode.MatchString(s) || (smsName.MatchString(s) && anyLetter.MatchString(s))) {
		return s
	}
	e164, err := phone.Parse(s)
	switch {
	case err == nil:
	case kind == sms:
		f.AddWith([]string{"/kind"}, "/sender", "%s", smsSenders)
	default:
		f.AddWith([]string{"/kind"}, "/sender", "%s", dispatch.AsError(err).Msg)
	}
	return e164
}
