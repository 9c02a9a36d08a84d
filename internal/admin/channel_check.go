package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// ChannelCheck is what a provider answers to a channel's credentials.
type ChannelCheck struct {
	ID      int64
	Channel string // name
	About   string // provider, kind and sender
	Problem string // without secrets; empty: the credentials work
	Fix     string // what to do
}

// CheckChannel checks with its provider whether a channel's credentials work, for
// at most timeout.
func (s *Service) CheckChannel(ctx context.Context, who Actor, id int64, timeout time.Duration) (*ChannelCheck, error) {
	ch, err := ownChannel(ctx, s.Store, who.Account, id)
	if err != nil {
		return nil, err
	}
	return Check(ctx, s.Providers, ch, timeout), nil
}

// Check checks with the provider of ch whether its credentials work, for at most
// timeout.
func Check(ctx context.Context, providers map[string]provider.Provider, ch *dispatch.Channel, timeout time.Duration) *ChannelCheck {
	c := &ChannelCheck{ID: ch.ID, Channel: ch.Name, About: fmt.Sprintf("%s %s %s", ch.Provider, ch.Kind, ch.Sender)}
	p, ok := providers[ch.Provider]
	if !ok {
		c.Problem, c.Fix = "unknown provider", "this sendoff is older than the one that created the channel; install the newer one"
		return c
	}
	if ch.Unreadable {
		c.Problem, c.Fix = "no key of SENDOFF_SECRET_KEY opens its secrets",
			"put the key that encrypted them into SENDOFF_SECRET_KEY, after the new one, or enter the secrets again"
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := p.Check(ctx, ch); err != nil {
		c.Problem, c.Fix = refusal(ch, err), channelFix(ch, err)
	}
	return c
}

// refusal returns a provider's answer for people, without secrets.
func refusal(ch *dispatch.Channel, err error) string {
	s := err.Error()
	if pe, ok := errors.AsType[*provider.Error](err); ok {
		s = pe.Msg
		if pe.HTTP != 0 {
			s = strings.TrimSpace(fmt.Sprintf("HTTP %d %s", pe.HTTP, pe.Provider)) + ", " + s
		}
		if pe.Err != nil {
			s += ": " + pe.Err.Error()
		}
	}
	return provider.Redact(ch, s)
}

// channelFix returns what to do about a check that failed.
func channelFix(ch *dispatch.Channel, err error) string {
	pe, ok := errors.AsType[*provider.Error](err)
	switch {
	case ok && (pe.Kind == provider.Throttled || pe.Kind == provider.Temporary || pe.Kind == provider.Doubtful || pe.Kind == provider.Held):
		return "the provider is busy, or asks to wait; try again later"
	case ok && (pe.Kind == provider.Permanent || pe.Kind == provider.Denied):
		return fmt.Sprintf("compare settings and credentials with the provider's console; "+
			"change them with: sendoff channel update %d --set NAME=VALUE --secret NAME", ch.ID)
	}
	return "the provider did not answer: check the network, the proxy (HTTPS_PROXY) and the channel's base_url"
}
