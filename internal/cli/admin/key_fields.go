package admin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// keyFields are what may be said of a key at any time.
type keyFields struct {
	Description      *string  `help:"What it is for." placeholder:"TEXT"`
	Permission       []string `help:"send_template, send_text, send_media, view_templates, view_messages, manage (administration). Of a new key: all but manage." placeholder:"NAME"`
	PerSecond        *int     `help:"Messages a second. Of a new key: 10." placeholder:"N"`
	PerMinute        *int     `help:"Messages a minute. Of a new key: 60." placeholder:"N"`
	PerDay           *int     `help:"Messages a UTC day. Of a new key: 10000." placeholder:"N"`
	PerRecipientHour string   `help:"Messages to one recipient an hour; 0: any number; default: five one-time passwords and any number of others." placeholder:"N"`
	Country          []string `help:"Countries that may be sent to, as IN or US; all: every one." placeholder:"CODE"`
	Expires          string   `help:"When it ends: 2026-12-31, or 90d; never." placeholder:"TIME"`
}

// apply puts what was said into k, and gives it as the audit log keeps it.
func (c *keyFields) apply(k *account.Key, now time.Time) (did map[string]any, err error) {
	did = map[string]any{}
	if c.Description != nil {
		k.Description, did["description"] = *c.Description, *c.Description
	}
	if c.Permission != nil {
		perms, err := auth.ParsePermissions(c.Permission)
		if err != nil {
			return nil, fmt.Errorf("--permission: %w", err)
		}
		k.Permissions, did["permissions"] = perms.Names(), perms.Names()
	}
	for name, limit := range map[string]struct{ into, v *int }{"per_second": {&k.PerSecond, c.PerSecond}, "per_minute": {&k.PerMinute, c.PerMinute}, "per_day": {&k.PerDay, c.PerDay}} {
		if limit.v == nil {
			continue
		}
		if *limit.v < 1 {
			return nil, errors.New("--per-second, --per-minute and --per-day must be at least 1")
		}
		*limit.into, did[name] = *limit.v, *limit.v
	}
	return did, errors.Join(c.perRecipient(k, did), c.countries(k, did), c.expiry(k, did, now))
}

func (c *keyFields) perRecipient(k *account.Key, did map[string]any) error {
	switch c.PerRecipientHour {
	case "":
		return nil
	case "default":
		k.PerRecipientHour = nil
	default:
		n, err := strconv.Atoi(c.PerRecipientHour)
		if err != nil || n < 0 {
			return errors.New("--per-recipient-hour must be a number, or default")
		}
		k.PerRecipientHour = &n
	}
	did["per_recipient_hour"] = k.PerRecipientHour
	return nil
}

func (c *keyFields) countries(k *account.Key, did map[string]any) error {
	if c.Country == nil {
		return nil
	}
	k.Countries = []string{}
	for _, code := range c.Country {
		code = strings.ToUpper(code)
		if code == "ALL" && len(c.Country) == 1 {
			break
		}
		if !dispatch.Region(code) {
			return fmt.Errorf("--country: %q is no country code like IN or US", code)
		}
		k.Countries = append(k.Countries, code)
	}
	did["countries"] = []string(k.Countries)
	return nil
}

func (c *keyFields) expiry(k *account.Key, did map[string]any, now time.Time) error {
	switch c.Expires {
	case "":
		return nil
	case "never":
		k.ExpiresAt = nil
	default:
		t, err := console.ParseTime(c.Expires, now)
		if err != nil {
			return fmt.Errorf("--expires: %w", err)
		}
		if !t.After(now) {
			return errors.New("--expires must be in the future; to end a key now, disable or delete it")
		}
		k.ExpiresAt = &t
	}
	did["expires_at"] = k.ExpiresAt
	return nil
}
