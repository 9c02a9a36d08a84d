package admin

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

type channelCreate struct {
	Meta    createMeta    `cmd:"" help:"WhatsApp through Meta's Cloud API. Secrets: access_token, app_secret, verify_token."`
	Twilio  createTwilio  `cmd:"" help:"SMS or WhatsApp through Twilio. Secrets: auth_token, api_key_secret."`
	Gupshup createGupshup `cmd:"" help:"WhatsApp through Gupshup. Secret: apikey."`
	Kaleyra createKaleyra `cmd:"" help:"WhatsApp or SMS through Kaleyra. Secret: api_key."`
}

// newChannel is what a channel of any provider has.
type newChannel struct {
	flags
	public
	Name        string  `help:"Name, for people. Default: provider and kind." placeholder:"TEXT"`
	Sender      string  `required:"" help:"The number that messages come from, as +15550001111; of SMS also a sender name." placeholder:"NUMBER"`
	Default     bool    `help:"Use it for messages that name no channel. The first channel is it anyway."`
	Rate        float64 `help:"Messages a second over all workers. Default: what the provider documents." placeholder:"N"`
	Concurrency int     `help:"Calls at once of one worker." placeholder:"N"`
	Window      string  `enum:"enforce,provider" default:"enforce" help:"Who refuses free-form content outside the conversation window: we (enforce) or the provider."`
	BaseURL     string  `name:"base-url" help:"Where the provider's API is, if not at its usual address." placeholder:"URL"`
}

// wanted is a secret that a channel needs.
type wanted struct {
	name string
	file string // flag: where it stands
	make bool   // generated when it isn't given
}

// create makes the channel after reading its secrets.
func (c *newChannel) create(e *console.Env, ch dispatch.Channel, secrets []wanted) error {
	if err := c.fill(&ch); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	return c.sealed(e, func(s *session) error {
		ask := console.NewAsker(e)
		ch.Account, ch.Secrets = s.account.ID, map[string]string{}
		for _, w := range secrets {
			v, err := w.read(ask, ch.Provider)
			if err != nil {
				return err
			}
			ch.Secrets[w.name] = v
		}
		if err := s.change(func(s *session) (_ account.Note, err error) {
			ch, err = s.CreateChannel(e.Ctx, ch)
			return note("create", "channel", ch.ID, map[string]any{"key": ch.Key, "provider": ch.Provider, "kind": ch.Kind}), err
		}); err != nil {
			return err
		}
		v := newChannelView(&ch, store.Health{State: "closed"})
		v.CallbackURL, v.VerifyToken = c.callback(&ch, true), ch.Secrets["verify_token"]
		return s.say(v, "%s", c.next(&v))
	})
}

// variable is where the environment has a provider's secret.
func variable(provider, name string) string {
	return "SENDOFF_" + strings.ToUpper(provider+"_"+name)
}

func (w *wanted) read(ask *console.Asker, provider string) (string, error) {
	if !w.make {
		return ask.Secret(w.name, w.file, variable(provider, w.name))
	}
	v, err := console.GivenSecret(w.name, w.file, variable(provider, w.name))
	if errors.Is(err, console.ErrNoSecret) {
		return randomHex(32), nil
	}
	return v, err
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// senderName is an SMS sender that is no number: up to 11 letters and digits,
// or a short code.
var senderName = regexp.MustCompile(`^([A-Za-z0-9 _-]{1,11}|[0-9]{3,8})$`)

// fill completes and checks what the flags say.
func (c *newChannel) fill(ch *dispatch.Channel) error {
	ch.Sender = c.Sender
	if e164, err := dispatch.ParsePhone(c.Sender); err == nil {
		ch.Sender = e164
	} else if ch.Kind == "whatsapp" || !senderName.MatchString(c.Sender) {
		return errors.New("--sender: " + dispatch.AsError(err).Msg)
	}
	ch.Name, ch.Default, ch.Enabled, ch.Window = c.Name, c.Default, true, c.Window
	if ch.Name == "" {
		ch.Name = map[string]string{"whatsapp": "WhatsApp", "sms": "SMS"}[ch.Kind] + " (" + strings.ToUpper(ch.Provider[:1]) + ch.Provider[1:] + ")"
	}
	if c.BaseURL != "" {
		if !strings.HasPrefix(c.BaseURL, "http://") && !strings.HasPrefix(c.BaseURL, "https://") {
			return errors.New("--base-url must look like https://host")
		}
		ch.Settings["base_url"] = strings.TrimRight(c.BaseURL, "/")
	}
	for name, v := range ch.Settings {
		if v == "" {
			delete(ch.Settings, name)
		}
	}
	ch.Policy = vendor(ch.Provider).Policy()
	return setRate(&ch.Policy, c.Rate, c.Concurrency)
}

// setRate changes what was given.
func setRate(p *dispatch.Policy, rate float64, concurrency int) error {
	if rate < 0 || concurrency < 0 {
		return errors.New("--rate and --concurrency must not be negative")
	}
	if rate > 0 {
		p.Rate = rate
	}
	if concurrency > 0 {
		p.Concurrency = concurrency
	}
	return nil
}

var nextSteps = map[string]string{
	"meta": `At Meta (developers.facebook.com, your app, WhatsApp, Configuration, Webhook), enter

  callback URL  %[1]s
  verify token  %[2]s

and subscribe to the field "messages". "sendoff serve" must be running: Meta asks it at once.
`,
	"twilio": `Status callbacks need no set-up: their address goes with each message. For incoming messages,
enter at Twilio (the number's or sender's "A message comes in", POST):

  %[1]s
`,
	"gupshup": `At Gupshup (your app, Webhooks, format Gupshup v2 or Meta v3, all events), enter

  %[1]s

Keep it secret: Gupshup signs nothing, the end of the address is what proves that it calls.
`,
	"kaleyra": `At Kaleyra (your sender's callback profile), enter

  %[1]s

Keep it secret: the end of the address is what proves that Kaleyra calls.
`,
}

// next says what to do with a new channel.
func (c *newChannel) next(v *channelView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "channel %d made: %s, key %s\n\n", v.ID, v.Name, v.Key)
	fmt.Fprintf(&b, nextSteps[v.Provider]+"\n", v.CallbackURL, v.VerifyToken)
	if v.Provider != "meta" {
		b.Reset()
		fmt.Fprintf(&b, "channel %d made: %s, key %s\n\n", v.ID, v.Name, v.Key)
		fmt.Fprintf(&b, nextSteps[v.Provider]+"\n", v.CallbackURL)
	}
	if !strings.HasPrefix(v.CallbackURL, "https://") {
		b.WriteString("Providers must reach this address from outside: set SENDOFF_PUBLIC_URL (for serve and work, too) to https://...\n\n")
	}
	fmt.Fprintf(&b, "Then:\n\n  sendoff channel check %d\n", v.ID)
	if v.Provider == "meta" {
		fmt.Fprintf(&b, "  sendoff template sync --channel %d\n", v.ID)
	}
	b.WriteString("  sendoff send --help")
	return b.String()
}

type createMeta struct {
	newChannel
	PhoneNumberID   string `required:"" help:"The number's id at Meta (not the number itself)." placeholder:"DIGITS"`
	WabaID          string `required:"" name:"waba-id" help:"Id of the WhatsApp business account." placeholder:"DIGITS"`
	APIVersion      string `name:"api-version" help:"Version of the Graph API, as v25.0." placeholder:"VERSION"`
	AccessTokenFile string `type:"existingfile" help:"File with the access token (or SENDOFF_META_ACCESS_TOKEN, or a prompt)." placeholder:"FILE"`
	AppSecretFile   string `type:"existingfile" help:"File with the app secret, which signs callbacks (or SENDOFF_META_APP_SECRET, or a prompt)." placeholder:"FILE"`
	VerifyTokenFile string `type:"existingfile" help:"File with the verify token (or SENDOFF_META_VERIFY_TOKEN). Default: a new one." placeholder:"FILE"`
}

var (
	onlyDigits = regexp.MustCompile(`^[0-9]{1,32}$`)
	apiVersion = regexp.MustCompile(`^(v[0-9]+\.[0-9]+)?$`)
)

// Run makes a channel of Meta.
func (c *createMeta) Run(e *console.Env) error {
	for flag, v := range map[string]string{"--phone-number-id": c.PhoneNumberID, "--waba-id": c.WabaID} {
		if !onlyDigits.MatchString(v) {
			return fmt.Errorf("%w: %s: %q must be the digits that Meta shows under API setup", console.ErrUsage, flag, v)
		}
	}
	if !apiVersion.MatchString(c.APIVersion) {
		return fmt.Errorf("%w: --api-version: %q must look like v25.0", console.ErrUsage, c.APIVersion)
	}
	ch := dispatch.Channel{Provider: "meta", Kind: "whatsapp", Settings: map[string]string{"phone_number_id": c.PhoneNumberID, "waba_id": c.WabaID, "version": c.APIVersion}}
	return c.create(e, ch, []wanted{{"access_token", c.AccessTokenFile, false}, {"app_secret", c.AppSecretFile, false}, {"verify_token", c.VerifyTokenFile, true}})
}

type createTwilio struct {
	newChannel
	Kind                string `enum:"sms,whatsapp" default:"sms" help:"sms or whatsapp."`
	AccountSID          string `required:"" name:"account-sid" help:"Twilio's account sid (AC...)." placeholder:"SID"`
	MessagingServiceSID string `name:"messaging-service-sid" help:"Send through a messaging service (MG...)." placeholder:"SID"`
	APIKeySID           string `name:"api-key-sid" help:"Sign in with an API key (SK...) instead of the auth token, which still signs callbacks." placeholder:"SID"`
	AuthTokenFile       string `type:"existingfile" help:"File with the auth token (or SENDOFF_TWILIO_AUTH_TOKEN, or a prompt)." placeholder:"FILE"`
	APIKeySecretFile    string `name:"api-key-secret-file" type:"existingfile" help:"File with the API key's secret (or SENDOFF_TWILIO_API_KEY_SECRET, or a prompt)." placeholder:"FILE"`
}

var twilioSID = regexp.MustCompile(`^(AC|MG|SK)[0-9a-fA-F]{32}$`)

// Run makes a channel of Twilio.
func (c *createTwilio) Run(e *console.Env) error {
	for prefix, v := range map[string]string{"AC": c.AccountSID, "MG": c.MessagingServiceSID, "SK": c.APIKeySID} {
		if v != "" && (!twilioSID.MatchString(v) || !strings.HasPrefix(v, prefix)) {
			return fmt.Errorf("%w: %q must be %s and 32 hex digits", console.ErrUsage, v, prefix)
		}
	}
	ch := dispatch.Channel{
		Provider: "twilio", Kind: c.Kind,
		Settings: map[string]string{"account_sid": c.AccountSID, "messaging_service_sid": c.MessagingServiceSID, "api_key_sid": c.APIKeySID},
	}
	secrets := []wanted{{"auth_token", c.AuthTokenFile, false}}
	if c.APIKeySID != "" {
		secrets = append(secrets, wanted{"api_key_secret", c.APIKeySecretFile, false})
	}
	return c.create(e, ch, secrets)
}

type createGupshup struct {
	newChannel
	AppName    string `required:"" help:"The Gupshup app that owns the number." placeholder:"NAME"`
	ApikeyFile string `type:"existingfile" help:"File with the API key (or SENDOFF_GUPSHUP_APIKEY, or a prompt)." placeholder:"FILE"`
}

// Run makes a channel of Gupshup.
func (c *createGupshup) Run(e *console.Env) error {
	ch := dispatch.Channel{Provider: "gupshup", Kind: "whatsapp", Settings: map[string]string{"app_name": c.AppName}}
	return c.create(e, ch, []wanted{{"apikey", c.ApikeyFile, false}, {"callback_secret", "", true}})
}

type createKaleyra struct {
	newChannel
	Kind       string `enum:"whatsapp,sms" default:"whatsapp" help:"whatsapp or sms."`
	SID        string `required:"" name:"sid" help:"Kaleyra's account sid (HX...)." placeholder:"SID"`
	SMSType    string `name:"sms-type" enum:"TXN,MKT,OTP" default:"TXN" help:"Of SMS: TXN, MKT or OTP."`
	TemplateID string `name:"template-id" help:"Of SMS to India: the DLT template id." placeholder:"ID"`
	APIKeyFile string `name:"api-key-file" type:"existingfile" help:"File with the API key (or SENDOFF_KALEYRA_API_KEY, or a prompt)." placeholder:"FILE"`
}

// Run makes a channel of Kaleyra.
func (c *createKaleyra) Run(e *console.Env) error {
	ch := dispatch.Channel{Provider: "kaleyra", Kind: c.Kind, Settings: map[string]string{"sid": c.SID}}
	if c.Kind == "sms" {
		ch.Settings["sms_type"], ch.Settings["template_id"] = c.SMSType, c.TemplateID
	}
	return c.create(e, ch, []wanted{{"api_key", c.APIKeyFile, false}, {"callback_secret", "", true}})
}
