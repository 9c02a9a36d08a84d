package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// Finding is what one check found.
type Finding struct {
	Name   string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

func (f Finding) Passed(detail string) Finding {
	f.OK, f.Detail, f.Fix = true, detail, ""
	return f
}

func (f Finding) Failed(detail, fix string) Finding {
	f.OK, f.Detail, f.Fix = false, detail, fix
	return f
}

type channelCheck struct {
	channelRef
	Timeout time.Duration `default:"5s" help:"How long the provider may take."`
}

// Run asks the provider.
func (c *channelCheck) Run(e *console.Env) error {
	return c.with(e, func(s *session, ch dispatch.Channel) error {
		f := CheckChannel(e.Ctx, app.Providers(), &ch, c.Timeout)
		if !f.OK {
			if err := s.say(f, "channel %d (%s) does not work: %s\n%s", ch.ID, ch.Name, f.Detail, f.Fix); err != nil {
				return err
			}
			return console.ErrReported
		}
		return s.say(f, "channel %d (%s) works: %s", ch.ID, ch.Name, f.Detail)
	})
}

// CheckChannel asks a channel's provider whether its credentials work.
func CheckChannel(ctx context.Context, providers map[string]provider.Provider, ch *dispatch.Channel, most time.Duration) Finding {
	f := Finding{Name: fmt.Sprintf("channel %d", ch.ID)}
	what := fmt.Sprintf("%s %s %s", ch.Provider, ch.Kind, ch.Sender)
	p, ok := providers[ch.Provider]
	if !ok {
		return f.Failed(what+": unknown provider "+strconv.Quote(ch.Provider), "this sendoff is older than the one that made the channel; install the newer one")
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := p.Check(ctx, ch)
	if err == nil {
		return f.Passed(what + ": the provider accepts the credentials")
	}
	return f.Failed(what+": "+refusal(ch, err), channelFix(ch, err))
}

// refusal is a provider's answer for people, without our secrets in it.
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

// channelFix says what to do about a check that failed.
func channelFix(ch *dispatch.Channel, err error) string {
	pe, ok := errors.AsType[*provider.Error](err)
	switch {
	case ok && (pe.Kind == provider.Throttled || pe.Kind == provider.Temporary || pe.Kind == provider.Doubtful || pe.Kind == provider.Held):
		return "the provider is busy or asks us to wait; try again later"
	case ok && (pe.Kind == provider.Permanent || pe.Kind == provider.Denied):
		return fmt.Sprintf("compare settings and credentials with the provider's console; change them with: sendoff channel update %d --set NAME=VALUE --secret NAME", ch.ID)
	}
	return "the provider did not answer: look at the network, the proxy (HTTPS_PROXY) and the channel's base_url"
}
