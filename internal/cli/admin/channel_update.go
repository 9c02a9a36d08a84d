package admin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type channelUpdate struct {
	channelRef
	public
	policyFlags
	Name                 string        `help:"Name, for people." placeholder:"TEXT"`
	Sender               string        `help:"The number that messages come from." placeholder:"NUMBER"`
	Default              bool          `help:"Use it for messages that name no channel."`
	Window               string        `enum:"enforce,provider," default:"" help:"enforce or provider." placeholder:"RULE"`
	Set                  []string      `help:"A setting, as base_url=https://...; empty: removed." placeholder:"NAME=VALUE" sep:"none"`
	Secret               []string      `help:"Replace a secret, from SENDOFF_PROVIDER_NAME or a prompt." placeholder:"NAME" sep:"none"`
	SecretFile           []string      `help:"Replace a secret from a file, as access_token=FILE." placeholder:"NAME=FILE" sep:"none"`
	RotateCallbackSecret bool          `help:"Make a new callback address, to be entered at the provider."`
	Overlap              time.Duration `default:"24h" help:"With --rotate-callback-secret: how long the old address works on; 0s: not at all."`
}

// knownSecrets are what a provider's channel may hold.
var knownSecrets = map[string][]string{
	"meta":    {"access_token", "app_secret", "verify_token"},
	"twilio":  {"auth_token", "api_key_secret"},
	"gupshup": {"apikey"},
	"kaleyra": {"api_key"},
}

// knownSettings are what a provider's client reads.
var knownSettings = map[string][]string{
	"meta":    {"base_url", "phone_number_id", "version", "waba_id"},
	"twilio":  {"account_sid", "api_key_sid", "base_url", "messaging_service_sid"},
	"gupshup": {"app_name", "base_url"},
	"kaleyra": {"base_url", "sid", "sms_type", "template_id"},
}

// Run changes a channel.
func (c *channelUpdate) Run(e *console.Env) error {
	secrets, err := c.ask(e) // before anything is locked: people type slowly
	if err != nil {
		return err
	}
	return c.change(e, "update", func(s *session, ch *dispatch.Channel) (any, string, error) {
		did, err := c.apply(ch, secrets)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", console.ErrUsage, err)
		}
		*ch, err = s.UpdateChannel(e.Ctx, *ch)
		word := "updated: " + strings.Join(did, ", ")
		if c.RotateCallbackSecret {
			word += "\nenter at the provider: " + c.callback(ch, true)
			if _, ok := ch.BeforeRotation(time.Now()); ok {
				word += "\nthe old address works until " + console.LocalTime(&ch.OldCallbackUntil)
			}
		}
		return map[string]any{"fields": did}, word, err
	})
}

// apply changes what was given, and names it.
func (c *channelUpdate) apply(ch *dispatch.Channel, secrets map[string]string) (did []string, err error) {
	for _, change := range []func(*dispatch.Channel) ([]string, error){
		c.words, c.settings,
		func(ch *dispatch.Channel) ([]string, error) { return c.policy(&ch.Policy) },
		func(ch *dispatch.Channel) ([]string, error) { return c.secrets(ch, secrets) },
	} {
		names, err := change(ch)
		if err != nil {
			return nil, err
		}
		did = append(did, names...)
	}
	if len(did) == 0 {
		return nil, errors.New("nothing to change was given; see sendoff channel update --help")
	}
	return did, nil
}

func (c *channelUpdate) words(ch *dispatch.Channel) (did []string, err error) {
	if c.Name != "" {
		ch.Name, did = c.Name, append(did, "name")
	}
	if c.Sender != "" {
		n := newChannel{Sender: c.Sender}
		probe := dispatch.Channel{Provider: ch.Provider, Kind: ch.Kind}
		if err := n.fill(&probe); err != nil {
			return nil, err
		}
		ch.Sender, did = probe.Sender, append(did, "sender")
	}
	if c.Default {
		ch.Default, did = true, append(did, "default")
	}
	if c.Window != "" {
		ch.Window, did = c.Window, append(did, "window_rule")
	}
	return did, nil
}

func (c *channelUpdate) settings(ch *dispatch.Channel) (did []string, err error) {
	for _, p := range c.Set {
		name, v, err := console.SplitPair(p)
		if err != nil {
			return nil, fmt.Errorf("--set: %w", err)
		}
		if known := knownSettings[ch.Provider]; !slices.Contains(known, name) {
			return nil, fmt.Errorf("--set: %s has no setting %q; it has: %s", ch.Provider, name, strings.Join(known, ", "))
		}
		ch.Settings[name], did = v, append(did, name)
		if v == "" {
			delete(ch.Settings, name)
		}
	}
	return did, nil
}

// ask reads the secrets that are to be replaced.
func (c *channelUpdate) ask(e *console.Env) (secrets map[string]string, err error) {
	secrets = map[string]string{}
	return secrets, c.with(e, func(_ *session, ch dispatch.Channel) error {
		files, err := c.secretFiles(ch.Provider)
		if err != nil {
			return fmt.Errorf("%w: %w", console.ErrUsage, err)
		}
		ask := console.NewAsker(e)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if secrets[name], err = ask.Secret(name, files[name], variable(ch.Provider, name)); err != nil {
				return fmt.Errorf("%w: %w", console.ErrUsage, err)
			}
		}
		return nil
	})
}

// secretFiles says which secrets are to be replaced, and from which file; empty:
// from the environment or a prompt.
func (c *channelUpdate) secretFiles(provider string) (map[string]string, error) {
	files := map[string]string{}
	for _, p := range c.SecretFile {
		name, file, err := console.SplitPair(p)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		files[name] = file
	}
	for _, name := range c.Secret {
		if strings.Contains(name, "=") {
			return nil, errors.New("--secret takes a name only: the value comes from the environment or a prompt, or with --secret-file from a file")
		}
		files[name] = ""
	}
	for name := range files {
		if known := knownSecrets[provider]; !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s has no secret %q; it has: %s", provider, name, strings.Join(known, ", "))
		}
	}
	return files, nil
}

func (c *channelUpdate) secrets(ch *dispatch.Channel, given map[string]string) (did []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		ch.Secrets[name], did = given[name], append(did, name)
	}
	if !c.RotateCallbackSecret {
		return did, nil
	}
	if ch.Secrets[dispatch.CallbackSecret] == "" {
		return nil, fmt.Errorf("%s signs its callbacks: its address holds no secret", ch.Provider)
	}
	if c.Overlap < 0 || c.Overlap > 30*24*time.Hour {
		return nil, errors.New("--overlap must be between 0s and 720h")
	}
	ch.RotateCallback(randomHex(32), time.Now().Add(c.Overlap))
	return append(did, dispatch.CallbackSecret), nil
}
