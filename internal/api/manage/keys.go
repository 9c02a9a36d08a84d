package manage

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// The limits of a key that says none (SPEC 5).
const (
	defaultPerMinute = 60
	defaultPerSecond = 10
	defaultPerDay    = 10_000
	readBudget       = 10 // reads have ten times the limits of sends
	otpPerHour       = 5  // one-time passwords to one recipient and hour
)

// KeyFields are what may be said of a key at any time.
type KeyFields struct {
	Name             *string        `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Description      *string        `json:"description,omitempty" maxLength:"1000"`
	Permissions      *[]string      `json:"permissions,omitempty" minItems:"1" maxItems:"6" enum:"send_template,send_text,send_media,view_templates,view_messages,manage"`
	PerMinute        *int           `json:"rate_per_minute,omitempty" minimum:"1" maximum:"10000000" doc:"Messages a minute; 60 when left out."`
	PerSecond        *int           `json:"rate_per_second,omitempty" minimum:"1" maximum:"1000000" doc:"Messages a second; 10 when left out."`
	PerDay           *int           `json:"daily_limit,omitempty" minimum:"1" maximum:"1000000000" doc:"Messages a UTC day; 10,000 when left out."`
	PerRecipientHour opt[int]       `json:"per_recipient_hour,omitzero" minimum:"1" maximum:"1000000" doc:"Messages to one recipient and hour; null: 5 one-time passwords, any number of others."`
	Countries        *[]string      `json:"countries,omitempty" maxItems:"300" doc:"ISO 3166 regions that may be sent to, such as IN; empty: all."`
	ExpiresAt        opt[time.Time] `json:"expires_at,omitzero" doc:"When the key ends; null: never."`
	Active           *bool          `json:"active,omitempty"`
}

type keyCreate struct{ Body keyCreateBody }

type keyCreateBody struct {
	KeyFields
	Test bool `json:"test,omitempty" doc:"A test key's messages go to the emulator, never to a provider."`
}

type keyUpdate struct {
	IDPath
	Body KeyFields
}

type keyRotate struct {
	IDPath
	Body *struct {
		Overlap int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the old secret still works; 0: not at all."`
	}
}

// keyView is a key as it is shown: never the secret but once.
type keyView struct {
	ID               int64      `json:"id"`
	Name             string     `json:"name"`
	Description      string     `json:"description"`
	Prefix           string     `json:"prefix"`
	Key              string     `json:"key,omitempty" doc:"The secret: shown once, when it is made."`
	Test             bool       `json:"test"`
	Active           bool       `json:"active"`
	Permissions      []string   `json:"permissions"`
	PerMinute        int        `json:"rate_per_minute"`
	PerSecond        int        `json:"rate_per_second"`
	PerDay           int        `json:"daily_limit"`
	PerRecipientHour *int       `json:"per_recipient_hour"`
	Countries        []string   `json:"countries"`
	ExpiresAt        *time.Time `json:"expires_at"`
	OldUntil         *time.Time `json:"old_key_valid_until,omitempty"`
	Limits           keyLimits  `json:"limits"`
	CallsToday       int64      `json:"calls_today"`
	MessagesToday    int64      `json:"messages_today"`
	LastUsed         *time.Time `json:"last_used_at"`
	CreatedAt        time.Time  `json:"created_at"`
}

func (k *keyView) location() string { return "/v1/keys/" + strconv.FormatInt(k.ID, 10) }

// keyLimits are the limits that are in force, defaults included.
type keyLimits struct {
	Send         rates       `json:"send"`
	Read         rates       `json:"read"`
	PerRecipient perHourView `json:"per_recipient_hour"`
}

type rates struct {
	PerSecond int `json:"per_second"`
	PerMinute int `json:"per_minute"`
	PerDay    int `json:"per_day"`
}

type perHourView struct {
	OTP   int `json:"otp"`
	Other int `json:"other,omitempty" doc:"Left out: no limit."`
}

func viewKey(k *account.Key) *keyView {
	v := &keyView{
		ID: k.ID, Name: k.Name, Description: k.Description, Prefix: k.Prefix, Test: k.Test, Active: k.Active, Permissions: k.Permissions,
		PerMinute: k.PerMinute, PerSecond: k.PerSecond, PerDay: k.PerDay, PerRecipientHour: k.PerRecipientHour, Countries: k.Countries,
		ExpiresAt: utc(k.ExpiresAt), OldUntil: utc(k.OldUntil), CallsToday: k.CallsToday, MessagesToday: k.MessagesToday, LastUsed: utc(k.LastUsed), CreatedAt: k.CreatedAt.UTC(),
		Limits: keyLimits{
			Send: rates{k.PerSecond, k.PerMinute, k.PerDay}, Read: rates{k.PerSecond * readBudget, k.PerMinute * readBudget, k.PerDay * readBudget},
			PerRecipient: perHourView{OTP: otpPerHour},
		},
	}
	if k.PerRecipientHour != nil {
		v.Limits.PerRecipient = perHourView{OTP: *k.PerRecipientHour, Other: *k.PerRecipientHour}
	}
	if v.Countries == nil {
		v.Countries = []string{}
	}
	return v
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func (m *manager) keys() {
	s := m.s
	const tag = "Keys"
	handle(m, route{method: http.MethodGet, path: "/v1/keys", permissions: forManage, tag: tag, summary: "List keys"}, s.listKeys)
	handle(m, route{method: http.MethodPost, path: "/v1/keys", permissions: forManage, tag: tag, summary: "Make a key", text: "The secret is shown in this answer only.", status: http.StatusCreated}, s.createKey)
	handle(m, route{method: http.MethodGet, path: "/v1/keys/{id}", permissions: forManage, tag: tag, summary: "Show a key"}, s.getKey)
	handle(m, route{method: http.MethodPatch, path: "/v1/keys/{id}", permissions: forManage, tag: tag, summary: "Change a key", text: "Fields that are left out stay as they are. A change holds on every process within a second."}, s.updateKey)
	remove(m, route{path: "/v1/keys/{id}", permissions: forManage, tag: tag, summary: "Delete a key", text: "At once and for good."}, s.deleteKey)
	handle(m, route{method: http.MethodPost, path: "/v1/keys/{id}/rotate", permissions: forManage, tag: tag, summary: "Give a key a new secret", text: "The secret is shown in this answer only; the old one works until the overlap is over."}, s.rotateKey)
}

func (s *server) listKeys(ctx context.Context, who *accept.Caller, in *listIn) (middleware.List[*keyView], error) {
	ks, err := s.Accounts.Keys(ctx, who.Account.ID)
	if err != nil {
		return middleware.List[*keyView]{}, err
	}
	views := make([]*keyView, len(ks))
	for i := range ks {
		views[i] = viewKey(&ks[i])
	}
	return pageOfAll(views, &in.Paging, func(v **keyView) int64 { return (*v).ID })
}

func (s *server) getKey(ctx context.Context, who *accept.Caller, in *IDPath) (*keyView, error) {
	k, err := s.Accounts.Key(ctx, who.Account.ID, in.ID)
	return viewKey(&k), err
}

func (s *server) createKey(ctx context.Context, who *accept.Caller, in *keyCreate) (*keyView, error) {
	k := account.Key{Account: who.Account.ID, Test: in.Body.Test, Active: true, PerSecond: defaultPerSecond, PerMinute: defaultPerMinute, PerDay: defaultPerDay}
	var f dispatch.Faults
	if in.Body.Name == nil {
		f.Add("/name", "is required")
	}
	if in.Body.Permissions == nil {
		f.Add("/permissions", "is required")
	}
	in.Body.apply(&k, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	secret := auth.Generate(k.Test)
	k.Prefix = auth.Prefix(secret)
	hash := auth.Hash(secret)
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		k, err = st.CreateKey(ctx, k, hash[:])
		return account.Note{Action: "key.create", Target: target("key", k.ID), Detail: viewKey(&k)}, err
	})
	v := viewKey(&k)
	v.Key = secret
	return v, err
}

func (s *server) updateKey(ctx context.Context, who *accept.Caller, in *keyUpdate) (*keyView, error) {
	var k account.Key
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if k, err = st.Key(ctx, who.Account.ID, in.ID); err != nil {
			return n, err
		}
		var f dispatch.Faults
		in.Body.apply(&k, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		k, err = st.UpdateKey(ctx, k)
		return account.Note{Action: "key.update", Target: target("key", k.ID), Detail: viewKey(&k)}, err
	})
	return viewKey(&k), err
}

// apply puts what was said into k.
func (b *KeyFields) apply(k *account.Key, f *dispatch.Faults) {
	set(&k.Name, b.Name)
	set(&k.Description, b.Description)
	set(&k.PerMinute, b.PerMinute)
	set(&k.PerSecond, b.PerSecond)
	set(&k.PerDay, b.PerDay)
	set(&k.Active, b.Active)
	if strings.TrimSpace(k.Name) == "" && b.Name != nil {
		f.Add("/name", "must not be blank")
	}
	if b.PerRecipientHour.Set {
		k.PerRecipientHour = b.PerRecipientHour.Value
	}
	if b.Permissions != nil {
		perms, err := auth.ParsePermissions(*b.Permissions)
		if err != nil {
			f.Add("/permissions", "%s", err)
		}
		k.Permissions = perms.Names()
	}
	if b.Countries != nil {
		k.Countries = countries(f, *b.Countries)
	}
	if !b.ExpiresAt.Set {
		return
	}
	k.ExpiresAt = b.ExpiresAt.Value
	if t := k.ExpiresAt; t != nil && !t.After(time.Now()) {
		f.Add("/expires_at", "must be in the future; to end a key now, delete it or make it inactive")
	} else if t != nil && t.Year() > 9999 {
		f.Add("/expires_at", "is too far away")
	}
}

// countries checks regions against those that have phone numbers.
func countries(f *dispatch.Faults, given []string) []string {
	out := []string{}
	for i, c := range given {
		c = strings.ToUpper(c)
		if !dispatch.Region(c) {
			f.Add("/countries/"+strconv.Itoa(i), "is not an ISO 3166 region such as IN")
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// set changes what was given.
func set[T any](into, v *T) {
	if v != nil {
		*into = *v
	}
}

func (s *server) deleteKey(ctx context.Context, who *accept.Caller, in *IDPath) error {
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "key.delete", Target: target("key", in.ID)}, st.DeleteKey(ctx, who.Account.ID, in.ID)
	})
}

func (s *server) rotateKey(ctx context.Context, who *accept.Caller, in *keyRotate) (*keyView, error) {
	overlap := 0
	if in.Body != nil {
		overlap = in.Body.Overlap
	}
	var k account.Key
	var secret string
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if k, err = st.Key(ctx, who.Account.ID, in.ID); err != nil {
			return n, err
		}
		secret = auth.Generate(k.Test)
		hash := auth.Hash(secret)
		k, err = st.RotateKey(ctx, who.Account.ID, in.ID, auth.Prefix(secret), hash[:], time.Duration(overlap)*time.Second)
		return account.Note{Action: "key.rotate", Target: target("key", k.ID), Detail: map[string]int{"overlap_seconds": overlap}}, err
	})
	v := viewKey(&k)
	v.Key = secret
	return v, err
}
