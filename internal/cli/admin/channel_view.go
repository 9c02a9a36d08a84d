package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

// channelView is a channel as the command line shows it: of its secrets only
// the names.
type channelView struct {
	ID          int64             `json:"id"`
	Account     int64             `json:"account_id"`
	Key         string            `json:"key"`
	Name        string            `json:"name"`
	Provider    string            `json:"provider"`
	Kind        string            `json:"kind"`
	Sender      string            `json:"sender"`
	Default     bool              `json:"default"`
	Enabled     bool              `json:"enabled"`
	Window      string            `json:"window_rule"`
	Settings    map[string]string `json:"settings"`
	Secrets     []string          `json:"secrets"`
	Policy      policyView        `json:"policy"`
	Circuit     store.Health      `json:"circuit"`
	CallbackURL string            `json:"callback_url,omitempty"`
	VerifyToken string            `json:"verify_token,omitempty"`
}

// policyView is how a channel is sent through; times are seconds, those of
// lanes in the order otp, normal, bulk.
type policyView struct {
	Rate             float64                `json:"rate"`
	Concurrency      int                    `json:"concurrency"`
	RecipientSpacing float64                `json:"recipient_spacing_s"`
	MaxAttempts      int                    `json:"max_attempts"`
	MaxAge           float64                `json:"max_age_s"`
	BackoffBase      float64                `json:"backoff_base_s"`
	BackoffCap       float64                `json:"backoff_cap_s"`
	ResolveWindow    [3]float64             `json:"resolve_window_s"`
	UnknownRetries   [3]int                 `json:"unknown_retries"`
	Price            map[string]json.Number `json:"price,omitempty"`
}

func newChannelView(ch *dispatch.Channel, h store.Health) channelView {
	p := ch.Policy
	v := channelView{
		ID: ch.ID, Account: ch.Account, Key: ch.Key, Name: ch.Name, Provider: ch.Provider, Kind: ch.Kind, Sender: ch.Sender, Default: ch.Default, Enabled: ch.Enabled,
		Window: ch.Window, Settings: ch.Settings, Secrets: slices.Sorted(maps.Keys(ch.Secrets)), Circuit: h,
		Policy: policyView{
			Rate: p.Rate, Concurrency: p.Concurrency, RecipientSpacing: p.RecipientSpacing.Seconds(), MaxAttempts: p.MaxAttempts, MaxAge: p.MaxAge.Seconds(),
			BackoffBase: p.BackoffBase.Seconds(), BackoffCap: p.BackoffCap.Seconds(), UnknownRetries: p.UnknownRetries,
		},
	}
	for i, d := range p.ResolveWindow {
		v.Policy.ResolveWindow[i] = d.Seconds()
	}
	for category, price := range p.Price {
		if v.Policy.Price == nil {
			v.Policy.Price = map[string]json.Number{}
		}
		v.Policy.Price[priceName(category)] = store.Credits(price)
	}
	return v
}

// priceName names a template category; the price of all else is default.
func priceName(category string) string {
	if category == "" {
		return "default"
	}
	return category
}

// public is where providers reach serve.
type public struct {
	PublicURL string `name:"public-url" env:"SENDOFF_PUBLIC_URL" help:"How providers reach serve, as https://sendoff.example.com." placeholder:"URL"`
	Listen    string `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" hidden:""`
}

// callback is the address that the provider must be told; with secret, the
// whole one where the address itself is the secret.
func (p *public) callback(ch *dispatch.Channel, secret bool) string {
	c := config.Config{PublicURL: p.PublicURL}
	address := c.Public(p.Listen) + "/callbacks/" + ch.Provider + "/" + ch.Key
	switch s := ch.Secrets["callback_secret"]; {
	case s == "":
		return address
	case secret:
		return address + "/" + s
	}
	return address + "/***"
}

type channelShow struct {
	channelRef
	public
	Reveal bool `help:"Show what must be entered at the provider in full: the callback address, the verify token. Credentials are never shown."`
}

// Run shows a channel.
func (c *channelShow) Run(e *console.Env) error {
	return c.with(e, func(s *session, ch dispatch.Channel) error {
		h, err := s.circuits().ChannelHealth(e.Ctx, ch.ID)
		if err != nil {
			return err
		}
		v := newChannelView(&ch, h)
		v.CallbackURL = c.callback(&ch, c.Reveal)
		if c.Reveal {
			v.VerifyToken = ch.Secrets["verify_token"]
			if err := s.change(func(*session) (account.Note, error) { return note("reveal", "channel", ch.ID, nil), nil }); err != nil {
				return err
			}
		}
		return s.table(v, "", v.rows())
	})
}

// rows writes a channel for people.
func (v *channelView) rows() [][]string {
	circuit := v.Circuit.State
	if v.Circuit.Reason != "" {
		circuit += ": " + v.Circuit.Reason
	}
	p := &v.Policy
	rows := [][]string{
		{"id", id(v.ID)},
		{"key", v.Key},
		{"name", v.Name},
		{"provider", v.Provider + ", " + v.Kind},
		{"sender", v.Sender},
		{"default", yesNo(v.Default)},
		{"enabled", yesNo(v.Enabled)},
		{"circuit", circuit},
		{"window rule", v.Window},
	}
	for _, name := range slices.Sorted(maps.Keys(v.Settings)) {
		rows = append(rows, []string{"setting " + name, v.Settings[name]})
	}
	rows = append(rows, [][]string{
		{"secrets", strings.Join(v.Secrets, ", ")},
		{"rate", fmt.Sprintf("%g messages a second, %d calls at once, %g s between two to one recipient", p.Rate, p.Concurrency, p.RecipientSpacing)},
		{"retries", fmt.Sprintf("%d attempts, %g s to %g s apart", p.MaxAttempts, p.BackoffBase, p.BackoffCap)},
		{"unknown outcomes", fmt.Sprintf("wait %v s, then up to %v more tries (otp, normal, bulk)", p.ResolveWindow, p.UnknownRetries)},
	}...)
	for _, category := range slices.Sorted(maps.Keys(p.Price)) {
		rows = append(rows, []string{"price " + category, p.Price[category].String()})
	}
	rows = append(rows, []string{"callback address", v.CallbackURL})
	if v.VerifyToken != "" {
		rows = append(rows, []string{"verify token", v.VerifyToken})
	}
	return rows
}
