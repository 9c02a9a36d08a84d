package provider

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// Spec describes a vendor: what its channels are configured with, and how the
// vendor differs from the others. Everything outside the vendor's folder reads
// the Spec instead of comparing names.
type Spec struct {
	Name  string // in channels, callback addresses and metrics, as lower-case letters
	Title string // for people; in lower case it is Name
	About string // one sentence for the command line
	Kinds []Kinds
	// Settings are stored in clear, Secrets encrypted. The settings of every
	// vendor (CommonSettings) are not repeated here.
	Settings []Field
	Secrets  []Field
	Echo     Echo
	// Templates is the form of the vendor's templates, and whether the vendor
	// keeps templates of its own.
	Templates template.Style
	// ListsTemplates reports that the client can list the vendor's templates.
	ListsTemplates bool
	// UUIDs reports that the vendor's own message ids may be UUIDs, as ours are.
	UUIDs bool
	// UserIDs reports that the vendor sends to business-scoped user ids, too.
	UserIDs bool
	// Rate is the default of a channel, in messages per second.
	Rate float64
	// SetUp states what people must enter at the vendor. {callback_url} and
	// {verify_token} stand for the channel's own.
	SetUp string
}

// Kinds is a kind of channel that a vendor offers, and the types of content
// that such a channel can send.
type Kinds struct {
	Kind  string // whatsapp or sms
	Types []dispatch.Type
	// Whole reports that every field of Meta's message object is sent on, such as
	// recipient_identity_key_hash.
	Whole bool
	// FileNames reports that names of documents are sent on; Whole includes it.
	FileNames bool
}

// Echo is how a vendor's callbacks name the message that they report.
type Echo int

// The kinds of echo.
const (
	EchoID   Echo = iota + 1 // every callback carries our message id
	EchoSome                 // some callbacks carry only the vendor's id
	EchoNone                 // no callback carries our id
)

// Field is a setting or a secret of a channel.
type Field struct {
	Name        string
	Flag        string // of the command line, where it is not the name with dashes
	Help        string
	Placeholder string   // of the command line
	Kind        string   // only channels of this kind have it; empty: all have
	Values      []string // the allowed values; nil: any
	Default     string   // of a new channel
	Required    bool
	Generate    bool // a new channel without it gets a random one
	// Pattern, if set, must match the value; Rule completes "must be ...".
	Pattern *regexp.Regexp
	Rule    string
	// With names the setting that must be set if and only if this secret is.
	With string
	// Fake returns a setting's value for the stand-in channel of test messages
	// from 64 hexadecimal digits; nil: the stand-in has none. Its secrets are
	// such digits.
	Fake func(digits string) string
}

// CommonSettings are the settings that a channel of every vendor may have.
var CommonSettings = []Field{
	{Name: "base_url", Help: "Where the provider's API is, if not at its usual address.", Placeholder: "URL"},
	{Name: "emulated", Values: []string{"true"}},
}

// CallbackSecret is the secret of vendors that do not sign their callbacks: it
// is the last segment of the callback address.
var CallbackSecret = Field{
	Name: dispatch.CallbackSecret, Required: true, Generate: true,
	Pattern: regexp.MustCompile(`^[A-Za-z0-9_-]{32,128}$`), Rule: "32 to 128 letters and digits; leave it out and one is made",
}

// FileNames reports whether a channel of that kind sends on the name of a document.
func (s *Spec) FileNames(kind string) bool {
	return slices.ContainsFunc(s.Kinds, func(k Kinds) bool { return k.Kind == kind && (k.Whole || k.FileNames) })
}

// Whole reports whether a channel of that kind sends on every field of Meta's
// message object.
func (s *Spec) Whole(kind string) bool {
	return slices.ContainsFunc(s.Kinds, func(k Kinds) bool { return k.Kind == kind && k.Whole })
}

// Supports reports whether a channel of the kind can send content of the type.
func (s *Spec) Supports(kind string, t dispatch.Type) bool {
	for _, k := range s.Kinds {
		if k.Kind == kind {
			return slices.Contains(k.Types, t)
		}
	}
	return false
}

// HasKind reports whether the vendor offers channels of the kind.
func (s *Spec) HasKind(kind string) bool {
	return slices.ContainsFunc(s.Kinds, func(k Kinds) bool { return k.Kind == kind })
}

// SignsCallbacks reports whether the vendor signs its callbacks. If not, the
// callback address ends in the secret CallbackSecret.
func (s *Spec) SignsCallbacks() bool { return find(s.Secrets, CallbackSecret.Name) == nil }

// Setting returns the setting of the name, or nil.
func (s *Spec) Setting(name string) *Field {
	if f := find(s.Settings, name); f != nil {
		return f
	}
	return find(CommonSettings, name)
}

// Secret returns the secret of the name, or nil.
func (s *Spec) Secret(name string) *Field { return find(s.Secrets, name) }

func find(fields []Field, name string) *Field {
	if i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return &fields[i]
	}
	return nil
}

// Policy returns the policy that a new channel starts with.
func (s *Spec) Policy() dispatch.Policy {
	p := dispatch.DefaultPolicy()
	if s.Rate > 0 {
		p.Rate = s.Rate
	}
	return p
}

// Steps returns SetUp with the channel's callback address and verify token.
func (s *Spec) Steps(callbackURL, verifyToken string) string {
	return strings.NewReplacer("{callback_url}", callbackURL, "{verify_token}", verifyToken).Replace(s.SetUp)
}

// maxValue is the longest value of a setting or secret, in bytes.
const maxValue = 4096

// Configure merges changes of settings and secrets into ch (nil removes a
// value), makes what is generated and missing, and adds every fault to f at
// /settings/NAME or /secrets/NAME. Values that do not change are not checked
// again, so that a new rule does not block other changes of an old channel.
// WrongHost checks the host of base_url.
func (s *Spec) Configure(ch *dispatch.Channel, settings, secrets map[string]*string, f *dispatch.Faults) {
	ch.Settings = merge(f, "/settings", ch.Settings, settings, slices.Concat(s.Settings, CommonSettings))
	ch.Secrets = merge(f, "/secrets", ch.Secrets, secrets, s.Secrets)
	if base := settings["base_url"]; base != nil && *base != "" {
		if _, ok := parseBaseURL(*base); !ok {
			f.Add("/settings/base_url", "must look like https://host, without a query or fragment")
		}
	}
	for _, secret := range s.Secrets {
		if secret.With != "" && (ch.Settings[secret.With] == "") != (ch.Secrets[secret.Name] == "") {
			f.AddWith([]string{"/settings/" + secret.With}, "/secrets/"+secret.Name, "goes with the setting %s: give both or none", secret.With)
		}
	}
}

func merge(f *dispatch.Faults, at string, have map[string]string, change map[string]*string, fields []Field) map[string]string {
	out := map[string]string{}
	maps.Copy(out, have)
	for _, name := range slices.Sorted(maps.Keys(change)) {
		field, v := find(fields, name), change[name]
		switch {
		case field == nil:
			f.Add(dispatch.Pointer(at, name), "is not known here; there are %s", strings.Join(Names(fields), ", "))
		case v == nil:
			delete(out, name)
		default:
			if wrong := field.Wrong(*v); wrong != "" {
				f.Add(dispatch.Pointer(at, name), "%s", wrong)
			}
			out[name] = *v
		}
	}
	for i := range fields {
		name := fields[i].Name
		_, given := change[name]
		switch {
		case out[name] != "":
		case fields[i].Generate && !given:
			out[name] = RandomSecret()
		case fields[i].Required && change[name] == nil:
			f.Add(dispatch.Pointer(at, name), "is required")
		}
	}
	return out
}

// RandomSecret returns 32 random bytes in hexadecimal.
func RandomSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw[:])
}

// Wrong returns what is wrong with a value, as "must be ...", or "".
func (f *Field) Wrong(v string) string {
	switch {
	case len(v) > maxValue:
		return "is longer than 4096 bytes"
	case v == "" || strings.TrimSpace(v) != v:
		return "must not be empty, nor begin or end with a space"
	case len(f.Values) > 0 && !slices.Contains(f.Values, v):
		return "must be " + strings.Join(f.Values, ", ")
	case f.Pattern != nil && !f.Pattern.MatchString(v):
		return "must be " + f.Rule
	}
	return ""
}

// Names returns the names of fields.
func Names(fields []Field) []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}
