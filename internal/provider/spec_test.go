package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

func specs() []*provider.Spec {
	c := outbound.New(outbound.Options{})
	return []*provider.Spec{meta.New(c).Spec(), twilio.New(c).Spec(), gupshup.New(c).Spec(), kaleyra.New(c).Spec()}
}

// What a Spec states must fit together, for every vendor.
func TestSpec_IsComplete(t *testing.T) {
	t.Parallel()
	for _, s := range specs() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if s.Name != strings.ToLower(s.Title) || s.About == "" || s.Echo < provider.EchoID || s.Echo > provider.EchoNone {
				t.Errorf("name %q, title %q, about %q, echo %d", s.Name, s.Title, s.About, s.Echo)
			}
			for _, k := range s.Kinds {
				if !s.HasKind(k.Kind) || !s.Supports(k.Kind, dispatch.TypeText) {
					t.Errorf("a %s channel sends no text", k.Kind)
				}
			}
			if s.HasKind("email") || s.Supports("email", dispatch.TypeText) {
				t.Error("it has channels of an unknown kind")
			}
			if !strings.Contains(s.SetUp, "{callback_url}") || strings.Contains(s.Steps("https://x.example", "token"), "{") {
				t.Errorf("set-up text: %q", s.SetUp)
			}
			if p := s.Policy(); p.Rate <= 0 || p.MaxAttempts != dispatch.DefaultPolicy().MaxAttempts {
				t.Errorf("policy %+v", p)
			}
			fields := slices.Concat(s.Settings, s.Secrets)
			for i, f := range fields {
				if slices.ContainsFunc(fields[:i], func(o provider.Field) bool { return o.Name == f.Name }) || (f.Pattern != nil) != (f.Rule != "") {
					t.Errorf("field %+v", f)
				}
				if f.Kind != "" && !s.HasKind(f.Kind) {
					t.Errorf("%s is for an unknown kind %s", f.Name, f.Kind)
				}
				if f.Default != "" && f.Wrong(f.Default) != "" {
					t.Errorf("the default of %s %s", f.Name, f.Wrong(f.Default))
				}
			}
		})
	}
}

// The stand-in of test messages is a channel that Configure takes.
func TestSpec_FakesPassTheChecks(t *testing.T) {
	t.Parallel()
	digits := strings.Repeat("0123456789abcdef", 4)
	for _, s := range specs() {
		settings, secrets := map[string]*string{}, map[string]*string{}
		for _, f := range s.Settings {
			if f.Fake != nil {
				settings[f.Name] = new(f.Fake(digits))
			}
		}
		for _, f := range s.Secrets {
			if f.Required {
				secrets[f.Name] = new(digits)
			}
		}
		var f dispatch.Faults
		s.Configure(new(dispatch.Channel), settings, secrets, &f)
		if f.Err() != nil {
			t.Errorf("%s: %v", s.Name, f)
		}
	}
}

func TestSpec_Configure(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	change := func(given m) map[string]*string {
		out := map[string]*string{}
		for k, v := range given {
			if out[k] = &v; v == "(none)" {
				out[k] = nil
			}
		}
		return out
	}
	sid := strings.Repeat("0a", 16)
	whole := dispatch.Channel{Settings: m{"account_sid": "AC" + sid}, Secrets: m{"auth_token": "t"}}
	old := dispatch.Channel{Settings: m{"account_sid": "from before the rule"}, Secrets: m{"auth_token": "t"}}
	address := func(base string) m { return m{"phone_number_id": "1", "base_url": base} }
	tokens := m{"access_token": "a", "app_secret": "b"}
	for name, c := range map[string]struct {
		vendor            int
		have              dispatch.Channel
		settings, secrets m
		faults            []string
	}{
		"meta, nothing": {
			0,
			dispatch.Channel{},
			nil, nil,
			[]string{"/secrets/access_token", "/secrets/app_secret", "/settings/phone_number_id"},
		},
		"meta, ids": {
			0,
			dispatch.Channel{},
			m{"phone_number_id": "+1", "waba_id": "x", "version": "25"},
			m{"access_token": "a", "app_secret": "b"},
			[]string{"/settings/phone_number_id", "/settings/version", "/settings/waba_id"},
		},
		"meta, good": {
			0,
			dispatch.Channel{},
			m{"phone_number_id": "1", "version": "v25.0", "base_url": "https://graph.example"},
			m{"access_token": "a", "app_secret": "b"},
			nil,
		},
		"twilio, prefixes": {
			1,
			dispatch.Channel{},
			m{"account_sid": "SK" + sid, "messaging_service_sid": "AC" + sid},
			m{"auth_token": "a"},
			[]string{"/settings/account_sid", "/settings/messaging_service_sid"},
		},
		"twilio, half a key":  {1, whole, m{"api_key_sid": "SK" + sid}, nil, []string{"/secrets/api_key_secret"}},
		"twilio, a whole key": {1, whole, m{"api_key_sid": "SK" + sid}, m{"api_key_secret": "s"}, nil},
		"twilio, removed":     {1, whole, nil, m{"auth_token": "(none)"}, []string{"/secrets/auth_token"}},
		"twilio, old value":   {1, old, m{"base_url": "http://127.0.0.1:1"}, nil, nil},
		"twilio, unknown":     {1, whole, m{"a/b": "c"}, m{"apikey": "d"}, []string{"/secrets/apikey", "/settings/a~1b"}},
		"gupshup, address": {
			2,
			dispatch.Channel{},
			m{"app_name": "A", "base_url": "ftp://x"},
			m{"apikey": "k"},
			[]string{"/settings/base_url"},
		},
		"meta, query":    {0, dispatch.Channel{}, address("https://graph.example?x="), tokens, []string{"/settings/base_url"}},
		"meta, bare ?":   {0, dispatch.Channel{}, address("https://graph.example?"), tokens, []string{"/settings/base_url"}},
		"meta, fragment": {0, dispatch.Channel{}, address("https://graph.example/#"), tokens, []string{"/settings/base_url"}},
		"gupshup, short secret": {
			2,
			dispatch.Channel{},
			m{"app_name": "A"},
			m{"apikey": "k", "callback_secret": "short"},
			[]string{"/secrets/callback_secret"},
		},
		"kaleyra, words": {
			3,
			dispatch.Channel{},
			m{"sid": "HX1", "sms_type": "SPAM"},
			m{"api_key": "k"},
			[]string{"/settings/sms_type"},
		},
		"kaleyra, blanks": {
			3,
			dispatch.Channel{},
			m{"sid": " HX1", "template_id": ""},
			m{"api_key": strings.Repeat("k", 4097)},
			[]string{"/secrets/api_key", "/settings/sid", "/settings/template_id"},
		},
		"kaleyra, address of user": {
			3,
			dispatch.Channel{},
			m{"sid": "HX1", "base_url": "https://user:password@api.example"},
			m{"api_key": "k"},
			[]string{"/settings/base_url"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := c.have
			var f dispatch.Faults
			specs()[c.vendor].Configure(&ch, change(c.settings), change(c.secrets), &f)
			var got []string
			for _, fault := range f {
				got = append(got, fault.Field)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.faults) {
				t.Errorf("faults at %v, want %v: %v", got, c.faults, f)
			}
			if c.faults == nil {
				for k, v := range c.settings {
					if ch.Settings[k] != v {
						t.Errorf("%s = %q", k, ch.Settings[k])
					}
				}
			}
		})
	}
}

func TestSpec_Configure_MakesWhatIsGenerated(t *testing.T) {
	t.Parallel()
	for i, name := range []string{"verify_token", "", "callback_secret", "callback_secret"} {
		s := specs()[i]
		ch := new(dispatch.Channel)
		s.Configure(ch, nil, nil, new(dispatch.Faults))
		made := ch.Secrets[name]
		if name != "" && len(made) != 64 {
			t.Errorf("%s: %s = %q", s.Name, name, made)
		}
		if s.SignsCallbacks() != (name != "callback_secret") {
			t.Errorf("%s signs its callbacks: %v", s.Name, s.SignsCallbacks())
		}
		if s.Configure(ch, nil, nil, new(dispatch.Faults)); ch.Secrets[name] != made {
			t.Errorf("%s: %s was made again", s.Name, name)
		}
	}
}

func TestParse_VendorWithoutEcho_MarksByRecipient(t *testing.T) {
	t.Parallel()
	for _, echo := range []provider.Echo{provider.EchoID, provider.EchoSome, provider.EchoNone} {
		cb, err := provider.Parse(parrot{echo: echo}, nil, nil, "", nil)
		if err != nil || cb.Statuses[0].ByRecipient != (echo == provider.EchoNone) {
			t.Errorf("echo %d: %+v, %v", echo, cb, err)
		}
	}
}

// parrot has one status in every callback.
type parrot struct {
	provider.Provider
	echo provider.Echo
}

func (p parrot) Spec() *provider.Spec { return &provider.Spec{Echo: p.echo} }

func (p parrot) ParseCallback(*dispatch.Channel, *http.Request, string, []byte) (provider.Callback, error) {
	return provider.Callback{Part: provider.Part{Statuses: make([]dispatch.StatusUpdate, 1)}}, nil
}
