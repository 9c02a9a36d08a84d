package admin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

type channelUpdate struct {
	channelRef
	policyFlags
	Name                 string         `help:"Display name." placeholder:"TEXT"`
	Sender               string         `help:"The number that messages come from." placeholder:"NUMBER"`
	Default              bool           `help:"Use it for messages that name no channel."`
	Window               string         `help:"enforce or provider." placeholder:"RULE"`
	Set                  []string       `help:"${admin_channelupdate_set}" placeholder:"NAME=VALUE" sep:"none"`
	Secret               []string       `help:"Replace a secret, from SENDOFF_PROVIDER_NAME or a prompt." placeholder:"NAME" sep:"none"`
	SecretFile           []string       `help:"Replace a secret from a file, as access_token=FILE." placeholder:"NAME=FILE" sep:"none"`
	RotateCallbackSecret bool           `help:"Create a new callback address, to be entered at the provider."`
	Overlap              *time.Duration `help:"${admin_channelupdate_overlap}" placeholder:"TIME"`
}

// Run changes what is given; the rest stays.
func (c *channelUpdate) Run(e *console.Env) error {
	in, err := c.input()
	if err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	return c.with(e, func(s *session, n int64) error {
		ch, err := s.Channel(e.Ctx, s.who, n)
		if err != nil {
			return err
		}
		if in.Secrets, err = c.secrets(e, ch.Provider); err != nil {
			return fmt.Errorf("%w: %w", console.ErrUsage, err)
		}
		if in.Policy, err = c.policy(&ch.Policy); err != nil {
			return err
		}
		return c.update(s, n, in)
	})
}

// update makes the changes that are given.
func (c *channelUpdate) update(s *session, n int64, in admin.ChannelUpdate) error {
	changed := changedFields(&in)
	if len(changed) == 0 && !c.RotateCallbackSecret {
		return requireChange(in, "channel update")
	}
	word := "updated: " + strings.Join(changed, ", ")
	var ch *admin.Channel
	var err error
	if len(changed) > 0 {
		in.Overlap = rotation(c.Overlap).Overlap
		if ch, err = s.UpdateChannel(s.ctx(), s.who, n, in); err != nil {
			return err
		}
	}
	if c.RotateCallbackSecret {
		if ch, err = s.RotateCallback(s.ctx(), s.who, n, rotation(c.Overlap)); err != nil {
			return err
		}
		word = "updated: " + strings.Join(append(changed, dispatch.CallbackSecret), ", ") + "\nenter at the provider: " + ch.CallbackURL
		if ch.OldUntil != nil {
			word += "\nthe old address is valid until " + console.LocalTime(ch.OldUntil)
		}
	}
	return s.print(ch, "channel %d (%s) is %s", ch.ID, ch.Name, word)
}

// changedFields names what changes, of the policy its fields.
func changedFields(in *admin.ChannelUpdate) []string {
	names := input.Given(in)
	if i := slices.Index(names, "policy"); i >= 0 {
		names = slices.Replace(names, i, i+1, input.Given(in.Policy)...)
	}
	return names
}

// input returns the change without secrets and policy.
func (c *channelUpdate) input() (in admin.ChannelUpdate, err error) {
	in.Name, in.Sender, in.Window = optional(c.Name), optional(c.Sender), optional(c.Window)
	if c.Default {
		in.Default = &c.Default
	}
	for _, p := range c.Set {
		name, v, err := console.SplitPair(p)
		if err != nil {
			return in, fmt.Errorf("--set: %w", err)
		}
		if in.Settings == nil {
			in.Settings = map[string]*string{}
		}
		in.Settings[name] = optional(v)
	}
	return in, nil
}

// secrets reads the secrets that are replaced; nil if there are none.
func (c *channelUpdate) secrets(e *console.Env, vendor string) (map[string]*string, error) {
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
			return nil, errors.New("--secret takes only a name: the value comes from the environment or a prompt, or with --secret-file from a file")
		}
		files[name] = ""
	}
	var out map[string]*string
	ask := console.NewAsker(e)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		v, err := ask.Secret(name, files[name], variable(vendor, name))
		if errors.Is(err, console.ErrNoSecret) {
			err = fmt.Errorf("%s is required: set %s, name a file with --secret-file, or type it when asked", name, variable(vendor, name))
		}
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]*string{}
		}
		out[name] = &v
	}
	return out, nil
}

// policyFlags are the flags for how a channel is sent through.
type policyFlags struct {
	Rate             *float64       `help:"Messages per second over all workers." placeholder:"N"`
	Concurrency      *int           `help:"Concurrent calls of one worker." placeholder:"N"`
	MaxAttempts      *int           `help:"Counted attempts of a message." placeholder:"N"`
	MaxAge           *time.Duration `help:"${admin_policyflags_maxage}" placeholder:"TIME"`
	BackoffBase      *time.Duration `help:"The wait before the first retry, doubled for each further one." placeholder:"TIME"`
	BackoffCap       *time.Duration `help:"The longest wait before a retry." placeholder:"TIME"`
	RecipientSpacing *time.Duration `help:"Between two messages to one recipient; 0s: none." placeholder:"TIME"`
	ResolveWindow    []string       `help:"${admin_policyflags_resolvewindow}" placeholder:"LANE=TIME" sep:"none"`
	UnknownRetries   []string       `help:"${admin_policyflags_unknownretries}" placeholder:"LANE=N" sep:"none"`
	Price            []string       `help:"${admin_policyflags_price}" placeholder:"CATEGORY=CREDITS" sep:"none"`
	Portfolio        *string        `help:"Channels of one provider with the same name share a messaging limit." placeholder:"NAME"`
	MessagingLimit   *int           `help:"${admin_policyflags_messaginglimit}" placeholder:"N"`
	MessagingReserve *float64       `help:"Share of the messaging limit, 0 to 1, that campaigns leave to other messages." placeholder:"SHARE"`
}

// policy returns the change of the policy; nil if there is none.
func (c *policyFlags) policy(now *admin.Policy) (*admin.PolicyUpdate, error) {
	p := &admin.PolicyUpdate{
		Rate: c.Rate, Concurrency: c.Concurrency, MaxAttempts: c.MaxAttempts, MaxAge: seconds(c.MaxAge),
		BackoffBase: seconds(c.BackoffBase), BackoffCap: seconds(c.BackoffCap), RecipientSpacing: seconds(c.RecipientSpacing),
		Portfolio: c.Portfolio, MessagingLimit: c.MessagingLimit, MessagingReserve: c.MessagingReserve,
	}
	var err error
	if len(c.ResolveWindow) > 0 {
		w := &admin.ResolveWindows{}
		p.ResolveWindow = w
		err = errors.Join(err, byLane("resolve-window", c.ResolveWindow, parseSeconds, &w.OTP, &w.Normal, &w.Bulk))
	}
	if len(c.UnknownRetries) > 0 {
		u := &admin.UnknownRetries{}
		p.UnknownRetries = u
		err = errors.Join(err, byLane("unknown-retries", c.UnknownRetries, strconv.Atoi, &u.OTP, &u.Normal, &u.Bulk))
	}
	prices, priceErr := c.prices(now)
	p.Price = prices
	if err := errors.Join(err, priceErr); err != nil || len(input.Given(p)) == 0 {
		return nil, err
	}
	return p, nil
}

// seconds returns a duration in seconds.
func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(d.Seconds())
}

func parseSeconds(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	return d.Seconds(), err
}

// byLane reads pairs such as otp=10s into the values of the lanes.
func byLane[T any](flag string, pairs []string, parse func(string) (T, error), otp, normal, bulk **T) error {
	for _, p := range pairs {
		name, text, err := console.SplitPair(p)
		if err != nil {
			return fmt.Errorf("%w: --%s: %w", console.ErrUsage, flag, err)
		}
		into, ok := map[string]**T{"otp": otp, "normal": normal, "bulk": bulk}[name]
		if !ok {
			return fmt.Errorf("%w: --%s: %q is not otp, normal or bulk", console.ErrUsage, flag, name)
		}
		v, err := parse(text)
		if err != nil {
			return fmt.Errorf("%w: --%s: %w", console.ErrUsage, flag, err)
		}
		*into = &v
	}
	return nil
}

// prices returns the present prices with the given ones; nil if none is given.
func (c *policyFlags) prices(now *admin.Policy) (map[string]input.Credits, error) {
	if len(c.Price) == 0 {
		return nil, nil
	}
	out := maps.Clone(now.Price)
	for _, p := range c.Price {
		category, amount, err := console.SplitPair(p)
		if err != nil {
			return nil, fmt.Errorf("%w: --price: %w", console.ErrUsage, err)
		}
		if out[category], err = input.ParseCredits(amount); err != nil {
			return nil, dispatch.InvalidField(dispatch.Pointer("/policy/price", category), "%s", err)
		}
	}
	return out, nil
}
