package admin

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// policyFlags change how a channel is sent through (SPEC 6).
type policyFlags struct {
	Rate             *float64       `help:"Messages a second over all workers." placeholder:"N"`
	Concurrency      *int           `help:"Calls at once of one worker." placeholder:"N"`
	MaxAttempts      *int           `help:"Counted tries of a message." placeholder:"N"`
	MaxAge           *time.Duration `help:"Not tried again when it has been due for so long; 0s: until it expires." placeholder:"TIME"`
	BackoffBase      *time.Duration `help:"The first wait before another try, doubled for each." placeholder:"TIME"`
	BackoffCap       *time.Duration `help:"The longest wait before another try." placeholder:"TIME"`
	RecipientSpacing *time.Duration `help:"Between two messages to one recipient; 0s: none." placeholder:"TIME"`
	ResolveWindow    []string       `help:"How long an unknown outcome waits for a callback, as otp=10s (otp, normal, bulk)." placeholder:"LANE=TIME" sep:"none"`
	UnknownRetries   []string       `help:"How often an outcome that stays unknown is tried again, as normal=1." placeholder:"LANE=N" sep:"none"`
	Price            []string       `help:"Price in credits, as marketing=0.05 (utility, authentication, marketing, default)." placeholder:"CATEGORY=CREDITS" sep:"none"`
}

const day = 24 * time.Hour

// policy changes what was given, and names it.
func (c *policyFlags) policy(p *dispatch.Policy) (did []string, err error) {
	for _, err := range []error{
		within(&did, "rate", &p.Rate, c.Rate, 0.01, 100_000),
		within(&did, "concurrency", &p.Concurrency, c.Concurrency, 1, 10_000),
		within(&did, "max-attempts", &p.MaxAttempts, c.MaxAttempts, 1, 100),
		within(&did, "max-age", &p.MaxAge, c.MaxAge, 0, 30*day),
		within(&did, "backoff-base", &p.BackoffBase, c.BackoffBase, 10*time.Millisecond, time.Hour),
		within(&did, "backoff-cap", &p.BackoffCap, c.BackoffCap, 10*time.Millisecond, day),
		within(&did, "recipient-spacing", &p.RecipientSpacing, c.RecipientSpacing, 0, day),
		byLane(&did, "resolve-window", &p.ResolveWindow, c.ResolveWindow, time.ParseDuration, 0, day),
		byLane(&did, "unknown-retries", &p.UnknownRetries, c.UnknownRetries, strconv.Atoi, 0, 10),
	} {
		if err != nil {
			return nil, err
		}
	}
	if p.BackoffCap < p.BackoffBase {
		return nil, fmt.Errorf("--backoff-cap: %s is below --backoff-base, which is %s", p.BackoffCap, p.BackoffBase)
	}
	names, err := c.prices(p)
	return append(did, names...), err
}

type figure interface{ int | float64 | time.Duration }

// within changes into if v was given and is within its bounds, and notes that.
func within[T figure](did *[]string, flag string, into, v *T, least, most T) error {
	if v == nil {
		return nil
	}
	if *v < least || *v > most {
		return fmt.Errorf("--%s: %v is not between %v and %v", flag, *v, least, most)
	}
	*into, *did = *v, append(*did, flag)
	return nil
}

// byLane is within for figures of each lane, as otp=10s.
func byLane[T figure](did *[]string, flag string, into *[3]T, given []string, parse func(string) (T, error), least, most T) error {
	for _, g := range given {
		name, text, err := console.SplitPair(g)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		lane, ok := dispatch.ParseLane(name)
		if !ok {
			return fmt.Errorf("--%s: %q is not otp, normal or bulk", flag, name)
		}
		v, err := parse(text)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		if err := within(did, flag+" "+name, &into[lane], &v, least, most); err != nil {
			return err
		}
	}
	return nil
}

func (c *policyFlags) prices(p *dispatch.Policy) (did []string, err error) {
	for _, given := range c.Price {
		category, amount, err := console.SplitPair(given)
		if err != nil {
			return nil, fmt.Errorf("--price: %w", err)
		}
		if !slices.Contains([]string{"utility", "authentication", "marketing", "default"}, category) {
			return nil, fmt.Errorf("--price: %q is not utility, authentication, marketing or default", category)
		}
		n, err := console.ParseCredits(amount)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("--price: %q is no price", amount)
		}
		if p.Price == nil {
			p.Price = map[string]int64{}
		}
		did = append(did, "price "+category)
		if category == "default" {
			category = ""
		}
		p.Price[category] = n
	}
	return did, nil
}
