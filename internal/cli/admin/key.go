package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Key is the command of that name.
type Key struct {
	Create  keyCreate  `cmd:"" help:"Make an API key. It is shown once."`
	List    keyList    `cmd:"" help:"List keys."`
	Show    keyShow    `cmd:"" help:"Show one key: permissions, limits, use."`
	Update  keyUpdate  `cmd:"" help:"Change a key: name, permissions, limits, countries, end."`
	Disable keyDisable `cmd:"" help:"Refuse a key until it is enabled again."`
	Enable  keyEnable  `cmd:"" help:"Accept a disabled key again."`
	Rotate  keyRotate  `cmd:"" help:"Give a key a new secret; the old one works on for a while."`
	Delete  keyDelete  `cmd:"" help:"Remove a key at once and for good."`
}

// keyView is a key as the command line shows it. Secret is there once, when it
// was just made.
type keyView struct {
	ID               int64      `json:"id"`
	Account          int64      `json:"account_id"`
	Name             string     `json:"name"`
	Description      string     `json:"description,omitempty"`
	Secret           string     `json:"secret,omitempty"`
	Prefix           string     `json:"prefix"`
	Test             bool       `json:"test"`
	Active           bool       `json:"active"`
	Permissions      []string   `json:"permissions"`
	PerSecond        int        `json:"per_second"`
	PerMinute        int        `json:"per_minute"`
	PerDay           int        `json:"per_day"`
	PerRecipientHour *int       `json:"per_recipient_hour,omitempty"`
	Countries        []string   `json:"countries,omitempty"`
	ExpiresAt        *time.Time `json:"expires_at,omitempty"`
	OldUntil         *time.Time `json:"old_secret_until,omitempty"`
	CreatedAt        time.Time  `json:"created_at"`
	LastUsed         *time.Time `json:"last_used,omitempty"`
	CallsToday       int64      `json:"calls_today"`
	MessagesToday    int64      `json:"messages_today"`
}

func newKeyView(k *account.Key) keyView {
	return keyView{
		ID: k.ID, Account: k.Account, Name: k.Name, Description: k.Description, Prefix: k.Prefix, Test: k.Test, Active: k.Active, Permissions: k.Permissions,
		PerSecond: k.PerSecond, PerMinute: k.PerMinute, PerDay: k.PerDay, PerRecipientHour: k.PerRecipientHour, Countries: k.Countries,
		ExpiresAt: k.ExpiresAt, OldUntil: k.OldUntil, CreatedAt: k.CreatedAt, LastUsed: k.LastUsed, CallsToday: k.CallsToday, MessagesToday: k.MessagesToday,
	}
}

type keyCreate struct {
	flags
	Name string `required:"" help:"Name, for people."`
	Test bool   `help:"A test key: its messages go through everything, and to an emulator instead of the provider."`
	keyFields
}

// Run makes a key.
func (c *keyCreate) Run(e *console.Env) error {
	k := account.Key{
		Name: c.Name, Test: c.Test, Active: true, PerSecond: 10, PerMinute: 60, PerDay: 10_000, Countries: []string{},
		Permissions: []string{"send_template", "send_text", "send_media", "view_templates", "view_messages"},
	}
	if _, err := c.apply(&k, time.Now()); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	return c.with(e, func(s *session) error {
		secret := auth.Generate(c.Test)
		hash := auth.Hash(secret)
		k.Account, k.Prefix = s.account.ID, auth.Prefix(secret)
		if err := s.change(func(s *session) (_ account.Note, err error) {
			k, err = s.CreateKey(e.Ctx, k, hash[:])
			return note("create", "key", k.ID, map[string]any{"name": k.Name, "test": k.Test, "permissions": []string(k.Permissions)}), err
		}); err != nil {
			return err
		}
		return s.showSecret(&k, secret, "")
	})
}

// showSecret prints a new secret, the only time that it can be seen.
func (s *session) showSecret(k *account.Key, secret, more string) error {
	v := newKeyView(k)
	v.Secret = secret
	return s.say(v, "%s\n\nThis is key %d (%s), shown only this once. It may: %s.%s", secret, k.ID, k.Name, strings.Join(k.Permissions, ", "), more)
}

type keyList struct{ flags }

// Run lists keys.
func (c *keyList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		ks, err := s.Keys(e.Ctx, s.account.ID)
		if err != nil {
			return err
		}
		views, rows := []keyView{}, [][]string{}
		for i := range ks {
			k := &ks[i]
			views = append(views, newKeyView(k))
			rows = append(rows, []string{id(k.ID), k.Prefix + "…", k.Name, yesNo(k.Active), console.LocalTime(k.ExpiresAt), console.LocalTime(k.LastUsed), id(k.MessagesToday)})
		}
		return s.table(views, "ID KEY NAME ACTIVE EXPIRES LAST_USED MESSAGES_TODAY", rows)
	})
}

// keyRef names a key of the account.
type keyRef struct {
	flags
	ID int64 `arg:"" name:"id" help:"The key's id (sendoff key list)."`
}

type keyShow struct{ keyRef }

// Run shows a key.
func (c *keyShow) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		k, err := s.Key(e.Ctx, s.account.ID, c.ID)
		if err != nil {
			return s.missing(err, "key", id(c.ID))
		}
		perHour := "otp 5, others unlimited"
		if k.PerRecipientHour != nil {
			perHour = fmt.Sprint(*k.PerRecipientHour)
		}
		countries := "all"
		if len(k.Countries) > 0 {
			countries = strings.Join(k.Countries, ", ")
		}
		return s.table(newKeyView(&k), "", [][]string{
			{"id", id(k.ID)},
			{"key", k.Prefix + "…"},
			{"name", k.Name},
			{"description", k.Description},
			{"test", yesNo(k.Test)},
			{"active", yesNo(k.Active)},
			{"permissions", strings.Join(k.Permissions, ", ")},
			{"limits", fmt.Sprintf("%d a second, %d a minute, %d a day", k.PerSecond, k.PerMinute, k.PerDay)},
			{"per recipient and hour", perHour},
			{"countries", countries},
			{"expires", console.LocalTime(k.ExpiresAt)},
			{"old secret until", console.LocalTime(k.OldUntil)},
			{"created", console.LocalTime(&k.CreatedAt)},
			{"last used", console.LocalTime(k.LastUsed)},
			{"today", fmt.Sprintf("%d calls, %d messages", k.CallsToday, k.MessagesToday)},
		})
	})
}

type (
	keyDisable struct{ keyRef }
	keyEnable  struct{ keyRef }
)

// Run refuses a key.
func (c *keyDisable) Run(e *console.Env) error { return c.activate(e, false, "disable") }

// Run accepts a key again.
func (c *keyEnable) Run(e *console.Env) error { return c.activate(e, true, "enable") }

func (c *keyRef) activate(e *console.Env, active bool, action string) error {
	return c.change(e, func(s *session, k *account.Key) (n account.Note, err error) {
		k.Active = active
		*k, err = s.UpdateKey(e.Ctx, *k)
		return note(action, "key", k.ID, nil), err
	}, func(s *session, k *account.Key) error {
		return s.say(newKeyView(k), "key %d (%s) is %sd", k.ID, k.Name, action)
	})
}

type keyUpdate struct {
	keyRef
	Name string `help:"Name, for people." placeholder:"TEXT"`
	keyFields
}

// Run changes what was given; the rest stays.
func (c *keyUpdate) Run(e *console.Env) error {
	var did map[string]any
	return c.change(e, func(s *session, k *account.Key) (n account.Note, err error) {
		if did, err = c.apply(k, time.Now()); err != nil {
			return n, fmt.Errorf("%w: %w", console.ErrUsage, err)
		}
		if c.Name != "" {
			k.Name, did["name"] = c.Name, c.Name
		}
		if len(did) == 0 {
			return n, fmt.Errorf("%w: nothing to change was given; see sendoff key update --help", console.ErrUsage)
		}
		*k, err = s.UpdateKey(e.Ctx, *k)
		return note("update", "key", k.ID, did), err
	}, func(s *session, k *account.Key) error {
		return s.say(newKeyView(k), "key %d (%s) is updated: %s", k.ID, k.Name, strings.Join(slices.Sorted(maps.Keys(did)), ", "))
	})
}

// change alters the key and then says so.
func (c *keyRef) change(e *console.Env, f func(*session, *account.Key) (account.Note, error), say func(*session, *account.Key) error) error {
	return c.with(e, func(s *session) error {
		var k account.Key
		if err := s.change(func(s *session) (n account.Note, err error) {
			if k, err = s.Key(e.Ctx, s.account.ID, c.ID); err != nil {
				return n, s.missing(err, "key", id(c.ID))
			}
			return f(s, &k)
		}); err != nil {
			return err
		}
		return say(s, &k)
	})
}

type keyRotate struct {
	keyRef
	Overlap time.Duration `default:"24h" help:"How long the old secret works on; 0: not at all."`
}

// Run gives a key a new secret.
func (c *keyRotate) Run(e *console.Env) error {
	if c.Overlap < 0 {
		return fmt.Errorf("%w: --overlap must not be negative", console.ErrUsage)
	}
	var secret string
	return c.change(e, func(s *session, k *account.Key) (n account.Note, err error) {
		secret = auth.Generate(k.Test)
		hash := auth.Hash(secret)
		*k, err = s.RotateKey(e.Ctx, s.account.ID, k.ID, auth.Prefix(secret), hash[:], c.Overlap)
		return note("rotate", "key", k.ID, map[string]any{"overlap_seconds": c.Overlap.Seconds()}), err
	}, func(s *session, k *account.Key) error {
		more := "\nThe old secret no longer works."
		if k.OldUntil != nil {
			more = "\nThe old secret works until " + console.LocalTime(k.OldUntil) + "."
		}
		return s.showSecret(k, secret, more)
	})
}

type keyDelete struct {
	keyRef
	Yes bool `help:"Really do it: the key stops working at once and for good."`
}

// Run removes a key.
func (c *keyDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, fmt.Sprintf("key %d would stop working at once and for good", c.ID)); err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		if err := s.change(func(s *session) (account.Note, error) {
			return note("delete", "key", c.ID, nil), s.DeleteKey(e.Ctx, s.account.ID, c.ID)
		}); err != nil {
			return s.missing(err, "key", id(c.ID))
		}
		return s.say(map[string]any{"id": c.ID, "deleted": true}, "key %d is deleted", c.ID)
	})
}
