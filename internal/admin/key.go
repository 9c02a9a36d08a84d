package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/store/account"
)

// The limits of a key that sets none.
const (
	defaultPerMinute = 60
	defaultPerSecond = 10
	defaultPerDay    = 10_000
	readFactor       = 10 // reads have ten times the limits of sends
	otpPerHour       = 5  // one-time passwords to one recipient and hour
)

// KeyPermissions are the permissions that a key can have.
var KeyPermissions = auth.AllPermissions.Names()

// KeyUpdate is the input of UpdateKey: the fields of an API key that can change.
// Fields that are nil stay as they are.
type KeyUpdate struct {
	Name             *string                   `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Description      *string                   `json:"description,omitempty" maxLength:"1000"`
	Permissions      *[]string                 `json:"permissions,omitempty" minItems:"1" maxItems:"7"`
	PerMinute        *int                      `json:"rate_per_minute,omitempty" minimum:"1" maximum:"10000000"`
	PerSecond        *int                      `json:"rate_per_second,omitempty" minimum:"1" maximum:"1000000"`
	PerDay           *int                      `json:"daily_limit,omitempty" minimum:"1" maximum:"1000000000"`
	PerRecipientHour input.Optional[int]       `json:"per_recipient_hour,omitzero" minimum:"0" maximum:"1000000"`
	Countries        *[]string                 `json:"countries,omitempty" maxItems:"300"`
	Region           *string                   `json:"default_region,omitempty" maxLength:"2"`
	ExpiresAt        input.Optional[time.Time] `json:"expires_at,omitzero" doc:"When the key expires; null: never."`
	Active           *bool                     `json:"active,omitempty" doc:"An inactive key is refused."`
}

// Docs describes the fields whose names do not.
func (*KeyUpdate) Docs() map[string]string {
	return map[string]string{
		"rate_per_minute": "Messages per minute; 60 if left out.",
		"rate_per_second": "Messages per second; 10 if left out.",
		"daily_limit":     "Messages per UTC day; 10,000 if left out.",
		"per_recipient_hour": "Messages per recipient and hour; 0: no limit; null: 5 one-time passwords and no limit for other " +
			"messages.",
		"default_region": "ISO 3166 country, such as US, whose national numbers the key may send to; empty: the account's.",
		"countries":      "ISO 3166 regions that the key may send to, such as IN; empty: all.",
	}
}

// KeyCreate is the input of CreateKey.
type KeyCreate struct {
	KeyUpdate

	Test bool `json:"test,omitempty" doc:"Messages of a test key go to the emulator, never to a provider."`
}

// Required lists the required fields.
func (*KeyCreate) Required() []string { return []string{"name", "permissions"} }

// Key is an API key.
type Key struct {
	ID               int64      `json:"id"`
	Name             string     `json:"name"`
	Description      string     `json:"description"`
	Prefix           string     `json:"prefix" doc:"The first characters of the secret."`
	Key              string     `json:"key,omitempty" doc:"The secret. Only in the answer that creates or rotates the key."`
	Test             bool       `json:"test"`
	Active           bool       `json:"active"`
	Permissions      []string   `json:"permissions"`
	PerMinute        int        `json:"rate_per_minute"`
	PerSecond        int        `json:"rate_per_second"`
	PerDay           int        `json:"daily_limit"`
	PerRecipientHour *int       `json:"per_recipient_hour"`
	Countries        []string   `json:"countries"`
	Region           string     `json:"default_region" doc:"Country of numbers in national form; empty: the account's."`
	ExpiresAt        *time.Time `json:"expires_at"`
	OldUntil         *time.Time `json:"old_key_valid_until,omitempty" doc:"After a rotation: how long the old secret stays valid."`
	Limits           KeyLimits  `json:"limits" doc:"The limits in force, defaults included."`
	CallsToday       int64      `json:"calls_today"`
	MessagesToday    int64      `json:"messages_today"`
	LastUsed         *time.Time `json:"last_used_at"`
	CreatedAt        time.Time  `json:"created_at"`
}

// Location returns the path of the key in the API.
func (k *Key) Location() string { return "/v1/keys/" + strconv.FormatInt(k.ID, 10) }

// KeyLimits are the limits in force.
type KeyLimits struct {
	Send         KeyRates        `json:"send"`
	Read         KeyRates        `json:"read"`
	PerRecipient RecipientLimits `json:"per_recipient_hour"`
}

// KeyRates are the limits of a kind of request.
type KeyRates struct {
	PerSecond int `json:"per_second"`
	PerMinute int `json:"per_minute"`
	PerDay    int `json:"per_day"`
}

// RecipientLimits are the limits per recipient and hour.
type RecipientLimits struct {
	OTP   int `json:"otp,omitempty" doc:"One-time passwords. Left out: no limit."`
	Other int `json:"other,omitempty" doc:"Other messages. Left out: no limit."`
}

func viewKey(k *account.Key) *Key {
	v := &Key{
		ID: k.ID, Name: k.Name, Description: k.Description, Prefix: k.Prefix, Test: k.Test, Active: k.Active, Permissions: k.Permissions,
		PerMinute: k.PerMinute, PerSecond: k.PerSecond, PerDay: k.PerDay, PerRecipientHour: k.PerRecipientHour,
		Countries: k.Countries, Region: k.Region,
		ExpiresAt: UTC(k.ExpiresAt), OldUntil: UTC(k.OldUntil), CallsToday: k.CallsToday, MessagesToday: k.MessagesToday,
		LastUsed: UTC(k.LastUsed), CreatedAt: k.CreatedAt.UTC(),
		Limits: KeyLimits{
			Send:         KeyRates{k.PerSecond, k.PerMinute, k.PerDay},
			Read:         KeyRates{k.PerSecond * readFactor, k.PerMinute * readFactor, k.PerDay * readFactor},
			PerRecipient: RecipientLimits{OTP: otpPerHour},
		},
	}
	if k.PerRecipientHour != nil {
		v.Limits.PerRecipient = RecipientLimits{OTP: *k.PerRecipientHour, Other: *k.PerRecipientHour}
	}
	if v.Countries == nil {
		v.Countries = []string{}
	}
	return v
}

// Keys lists the API keys of the account by id.
func (s *Service) Keys(ctx context.Context, who Actor, p Paging) (Page[*Key], error) {
	ks, err := s.Store.Keys(ctx, who.Account)
	if err != nil {
		return Page[*Key]{}, err
	}
	return pageOfAll(&p, ks, viewKey, func(k *account.Key) int64 { return k.ID })
}

// Key returns an API key.
func (s *Service) Key(ctx context.Context, who Actor, id int64) (*Key, error) {
	k, err := s.Store.Key(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewKey(&k), nil
}

// CreateKey creates an API key. Its secret is in the result only.
func (s *Service) CreateKey(ctx context.Context, who Actor, in KeyCreate) (*Key, error) {
	k := account.Key{
		Account: who.Account, Test: in.Test, Active: true, Countries: []string{},
		PerSecond: defaultPerSecond, PerMinute: defaultPerMinute, PerDay: defaultPerDay,
	}
	f := input.Check(&in)
	in.apply(&k, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := who.mayChange(&k); err != nil {
		return nil, err
	}
	if err := who.mayGrant(nil, k.Permissions); err != nil {
		return nil, err
	}
	secret := auth.Generate(k.Test)
	k.Prefix = auth.Prefix(secret)
	hash := auth.Hash(secret)
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		k, err = tx.CreateKey(ctx, k, hash[:])
		return note{"key.create", target("key", k.ID), viewKey(&k)}, err
	})
	if err != nil {
		return nil, err
	}
	v := viewKey(&k)
	v.Key = secret
	return v, nil
}

// UpdateKey changes an API key; every process applies it within a second.
func (s *Service) UpdateKey(ctx context.Context, who Actor, id int64, in KeyUpdate) (*Key, error) {
	var k account.Key
	f := input.Check(&in)
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if k, err = tx.Key(ctx, who.Account, id); err != nil {
			return n, err
		}
		if err := who.mayChange(&k); err != nil {
			return n, err
		}
		before := k.Permissions
		in.apply(&k, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		if err := who.mayGrant(before, k.Permissions); err != nil {
			return n, err
		}
		k, err = tx.UpdateKey(ctx, k)
		return note{in.action(), target("key", k.ID), viewKey(&k)}, err
	})
	if err != nil {
		return nil, err
	}
	return viewKey(&k), nil
}

// action names the change in the audit log.
func (in KeyUpdate) action() string {
	on := in.Active
	in.Active = nil
	return switched("key", on, in == KeyUpdate{})
}

// apply changes k and reports what the limits in the tags can't tell.
func (in *KeyUpdate) apply(k *account.Key, f *dispatch.Faults) {
	set(&k.Name, in.Name)
	set(&k.Description, in.Description)
	set(&k.PerMinute, in.PerMinute)
	set(&k.PerSecond, in.PerSecond)
	set(&k.PerDay, in.PerDay)
	set(&k.Active, in.Active)
	if in.PerRecipientHour.Set {
		k.PerRecipientHour = in.PerRecipientHour.Value
	}
	if in.Permissions != nil {
		k.Permissions = permissions(f, *in.Permissions)
	}
	if in.Countries != nil {
		k.Countries = countries(f, *in.Countries)
	}
	setRegion(f, &k.Region, in.Region)
	if in.ExpiresAt.Set {
		k.ExpiresAt = in.ExpiresAt.Value
		checkExpiry(f, k.ExpiresAt)
	}
}

// permissions returns the names in their fixed order, each once, and reports
// those that are unknown.
func permissions(f *dispatch.Faults, given []string) []string {
	var set auth.Permissions
	for i, name := range given {
		p := auth.PermissionNamed(name)
		if p == 0 {
			f.Add("/permissions/"+strconv.Itoa(i), "must be one of %s", strings.Join(KeyPermissions, ", "))
		}
		set |= p
	}
	return set.Names()
}

func checkExpiry(f *dispatch.Faults, t *time.Time) {
	switch {
	case t == nil:
	case !t.After(time.Now()):
		f.Add("/expires_at", "must be in the future; to end a key now, delete it or make it inactive")
	case t.Year() > 9999:
		f.Add("/expires_at", "must be before the year 10000")
	}
}

// countries returns the regions in upper case, each once, and reports those that
// have no phone numbers.
func countries(f *dispatch.Faults, given []string) []string {
	out := []string{}
	for i, c := range given {
		c = strings.ToUpper(c)
		if !phone.Region(c) {
			f.Add("/countries/"+strconv.Itoa(i), "is not an ISO 3166 region such as IN")
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// DeleteKey deletes an API key at once and for good.
func (s *Service) DeleteKey(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (note, error) {
		k, err := tx.Key(ctx, who.Account, id)
		if err == nil {
			err = who.mayChange(&k)
		}
		if err != nil {
			return note{}, err
		}
		return note{action: "key.delete", target: target("key", id)}, tx.DeleteKey(ctx, who.Account, id)
	})
}

// RotateKey sets a new secret of an API key, which is in the result only.
func (s *Service) RotateKey(ctx context.Context, who Actor, id int64, in Rotate) (*Key, error) {
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	wait := overlap(in.Overlap)
	var k account.Key
	var secret string
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if k, err = tx.Key(ctx, who.Account, id); err != nil {
			return n, err
		}
		if err := who.mayChange(&k); err != nil {
			return n, err
		}
		secret = auth.Generate(k.Test)
		hash := auth.Hash(secret)
		k, err = tx.RotateKey(ctx, who.Account, id, auth.Prefix(secret), hash[:], wait)
		return note{"key.rotate", target("key", k.ID), map[string]int{"overlap_seconds": int(wait.Seconds())}}, err
	})
	if err != nil {
		return nil, err
	}
	v := viewKey(&k)
	v.Key = secret
	return v, nil
}
