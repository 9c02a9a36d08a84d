package admin

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Key are the commands for API keys.
type Key struct {
	Create  keyCreate  `cmd:"" help:"Create an API key. Its secret is shown once."`
	List    keyList    `cmd:"" help:"List API keys."`
	Show    keyShow    `cmd:"" help:"Show an API key: permissions, limits, usage."`
	Update  keyUpdate  `cmd:"" help:"Update an API key: name, permissions, limits, countries, expiry."`
	Disable keyDisable `cmd:"" help:"Refuse an API key until it is enabled again."`
	Enable  keyEnable  `cmd:"" help:"Accept a disabled API key again."`
	Rotate  keyRotate  `cmd:"" help:"Give an API key a new secret. The old one stays valid for a while."`
	Delete  keyDelete  `cmd:"" help:"Delete an API key at once and for good."`
}

// keyFields are the flags for the fields of a key.
type keyFields struct {
	Description      *string  `help:"What the key is for." placeholder:"TEXT"`
	Permission       []string `help:"${admin_keyfields_permission}" placeholder:"NAME"`
	RatePerSecond    *int     `aliases:"per-second" help:"Messages per second. Of a new key: 10." placeholder:"N"`
	RatePerMinute    *int     `aliases:"per-minute" help:"Messages per minute. Of a new key: 60." placeholder:"N"`
	DailyLimit       *int     `aliases:"per-day" help:"Messages per UTC day. Of a new key: 10000." placeholder:"N"`
	PerRecipientHour string   `help:"${admin_keyfields_perrecipienthour}" placeholder:"N"`
	Country          []string `help:"Countries that the key may send to, as IN or US; all: every country." placeholder:"CODE"`
	DefaultRegion    *string  `help:"${admin_keyfields_defaultregion}" placeholder:"CODE"`
	Expires          string   `help:"When the key expires: 2026-12-31, or 90d; never." placeholder:"TIME"`
}

// update returns the input for the given flags.
func (c *keyFields) update(name string, now time.Time) (in admin.KeyUpdate, err error) {
	in = admin.KeyUpdate{
		Name: optional(name), Description: c.Description, PerSecond: c.RatePerSecond, PerMinute: c.RatePerMinute, PerDay: c.DailyLimit,
		Region: c.DefaultRegion,
	}
	if c.Permission != nil {
		in.Permissions = &c.Permission
	}
	if c.Country != nil {
		countries := c.Country
		if len(countries) == 1 && strings.EqualFold(countries[0], "all") {
			countries = []string{}
		}
		in.Countries = &countries
	}
	switch c.PerRecipientHour {
	case "":
	case "default":
		in.PerRecipientHour = input.Null[int]()
	default:
		n, err := strconv.Atoi(c.PerRecipientHour)
		if err != nil {
			return in, fmt.Errorf("%w: --per-recipient-hour must be a number, or default", console.ErrUsage)
		}
		in.PerRecipientHour = input.Some(n)
	}
	switch c.Expires {
	case "":
	case "never":
		in.ExpiresAt = input.Null[time.Time]()
	default:
		t, err := console.ParseTime(c.Expires, now)
		if err != nil {
			return in, fmt.Errorf("%w: --expires: %w", console.ErrUsage, err)
		}
		in.ExpiresAt = input.Some(t)
	}
	return in, nil
}

type keyCreate struct {
	flags
	Name string `help:"Display name. Required." placeholder:"TEXT"`
	Test bool   `help:"A test key: its messages go to the emulator, never to a provider."`
	keyFields
}

// permissions are those of a new key that names none.
var permissions = []string{"send_template", "send_text", "send_media", "view_templates", "view_messages"}

// Run creates a key.
func (c *keyCreate) Run(e *console.Env) error {
	if c.Permission == nil {
		c.Permission = permissions
	}
	fields, err := c.update(c.Name, time.Now())
	if err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		k, err := s.CreateKey(e.Ctx, s.who, admin.KeyCreate{KeyUpdate: fields, Test: c.Test})
		if err != nil {
			return err
		}
		return s.printSecret(k, "")
	})
}

// printSecret prints a new secret, the only time that it can be seen.
func (s *session) printSecret(k *admin.Key, more string) error {
	return s.print(k, "%s\n\nThis is key %d (%s), shown only this once. Its permissions: %s.%s",
		k.Key, k.ID, k.Name, strings.Join(k.Permissions, ", "), more)
}

type keyList struct{ flags }

// Run lists keys.
func (c *keyList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		all, err := s.Keys(e.Ctx, s.who, admin.Paging{})
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, k := range all.Data {
			rows = append(rows, []string{
				id(k.ID), k.Prefix + "…", k.Name, yesNo(k.Active), console.LocalTime(k.ExpiresAt), console.LocalTime(k.LastUsed), id(k.MessagesToday),
			})
		}
		return s.table(all, "ID KEY NAME ACTIVE EXPIRES LAST_USED MESSAGES_TODAY", rows)
	})
}

// keyRef names a key.
type keyRef struct {
	flags
	ID int64 `arg:"" name:"id" help:"The key's id (sendoff key list)."`
}

// run calls f, whose error may be that the key does not exist.
func (c *keyRef) run(e *console.Env, f func(*session) error) error {
	return c.with(e, func(s *session) error { return s.missing(f(s), "key", id(c.ID)) })
}

type keyShow struct{ keyRef }

// Run shows a key.
func (c *keyShow) Run(e *console.Env) error {
	return c.run(e, func(s *session) error {
		k, err := s.Key(e.Ctx, s.who, c.ID)
		if err != nil {
			return err
		}
		return s.table(k, "", keyRows(k))
	})
}

func keyRows(k *admin.Key) [][]string {
	countries := "all"
	if len(k.Countries) > 0 {
		countries = strings.Join(k.Countries, ", ")
	}
	perHour := k.Limits.PerRecipient
	return [][]string{
		{"id", id(k.ID)},
		{"key", k.Prefix + "…"},
		{"name", k.Name},
		{"description", k.Description},
		{"test", yesNo(k.Test)},
		{"active", yesNo(k.Active)},
		{"permissions", strings.Join(k.Permissions, ", ")},
		{"limits", fmt.Sprintf("%d per second, %d per minute, %d per day", k.PerSecond, k.PerMinute, k.PerDay)},
		{"per recipient and hour", fmt.Sprintf("%s one-time passwords, %s other messages", limited(perHour.OTP), limited(perHour.Other))},
		{"countries", countries},
		{"default region", cmp.Or(k.Region, "of the account")},
		{"expires", console.LocalTime(k.ExpiresAt)},
		{"old key valid until", console.LocalTime(k.OldUntil)},
		{"created", console.LocalTime(&k.CreatedAt)},
		{"last used", console.LocalTime(k.LastUsed)},
		{"today", fmt.Sprintf("%d calls, %d messages", k.CallsToday, k.MessagesToday)},
	}
}

// limited formats a limit, of which 0 is none.
func limited(n int) string {
	if n == 0 {
		return "unlimited"
	}
	return strconv.Itoa(n)
}

type (
	keyDisable struct{ keyRef }
	keyEnable  struct{ keyRef }
)

// Run refuses a key.
func (c *keyDisable) Run(e *console.Env) error {
	return c.update(e, admin.KeyUpdate{Active: new(false)}, "disabled")
}

// Run accepts a key again.
func (c *keyEnable) Run(e *console.Env) error {
	return c.update(e, admin.KeyUpdate{Active: new(true)}, "enabled")
}

// update changes the key and prints it.
func (c *keyRef) update(e *console.Env, in admin.KeyUpdate, word string) error {
	return c.run(e, func(s *session) error {
		k, err := s.UpdateKey(e.Ctx, s.who, c.ID, in)
		if err != nil {
			return err
		}
		return s.print(k, "key %d (%s) is %s", k.ID, k.Name, word)
	})
}

type keyUpdate struct {
	keyRef
	Name string `help:"Display name." placeholder:"TEXT"`
	keyFields
}

// Run changes what is given; the rest stays.
func (c *keyUpdate) Run(e *console.Env) error {
	in, err := c.keyFields.update(c.Name, time.Now())
	if err != nil {
		return err
	}
	if err := requireChange(in, "key update"); err != nil {
		return err
	}
	return c.keyRef.update(e, in, "updated: "+strings.Join(input.Given(&in), ", "))
}

type keyRotate struct {
	keyRef
	Overlap *time.Duration `help:"How long the old secret stays valid; 0s: not at all. Default: 24h." placeholder:"TIME"`
}

// rotation returns the input for --overlap.
func rotation(overlap *time.Duration) (in admin.Rotate) {
	if overlap != nil {
		in.Overlap = new(int(*overlap / time.Second))
	}
	return in
}

// Run sets a new secret of a key.
func (c *keyRotate) Run(e *console.Env) error {
	return c.run(e, func(s *session) error {
		k, err := s.RotateKey(e.Ctx, s.who, c.ID, rotation(c.Overlap))
		if err != nil {
			return err
		}
		more := "\nThe old secret is no longer valid."
		if k.OldUntil != nil {
			more = "\nThe old secret is valid until " + console.LocalTime(k.OldUntil) + "."
		}
		return s.printSecret(k, more)
	})
}

type keyDelete struct {
	keyRef
	Yes bool `help:"Confirm: the key is refused at once and for good."`
}

// Run deletes a key.
func (c *keyDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, fmt.Sprintf("key %d would be refused at once and for good", c.ID)); err != nil {
		return err
	}
	return c.run(e, func(s *session) error {
		if err := s.DeleteKey(e.Ctx, s.who, c.ID); err != nil {
			return err
		}
		return s.print(deleted{c.ID, true}, "key %d is deleted", c.ID)
	})
}
