package accept

import (
	"bytes"
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Limits of what a client may attach to a message.
const (
	maxReference = 255                       // characters
	maxMetadata  = 4096                      // bytes, also of a contact's fields
	maxName      = 200                       // characters of a contact's name, as in /v1/contacts
	maxAhead     = 10 * 366 * 24 * time.Hour // of send_at
	maxTTL       = 366 * 24 * time.Hour
	maxFallbacks = 5
)

// listStore holds the lists of contacts.
type listStore interface {
	HasList(ctx context.Context, account, list int64) (bool, error)
}

// laneOf returns the lane of the draft, or that of its template category.
func laneOf(d *dispatch.Draft, category string, faults *dispatch.Faults) dispatch.Lane {
	if d.Lane != "" {
		l, ok := dispatch.ParseLane(d.Lane)
		if !ok {
			faults.Add("/lane", "must be otp, normal or bulk")
		}
		return l
	}
	if category == "authentication" {
		return dispatch.OTP
	}
	return dispatch.Normal
}

// times sets and checks send_at and the expiry. A send_at that has passed means
// now. The decision whether a message has expired is the database's.
func times(d *dispatch.Draft, p *prepared, now time.Time, faults *dispatch.Faults) {
	p.SendAt, p.ExpiresAt = d.SendAt.Truncate(time.Microsecond), d.ExpiresAt // as it is stored and read back
	start := now
	if d.SendAt.After(now) {
		start = d.SendAt
	} else {
		p.SendAt = time.Time{}
	}
	if d.SendGrace > 0 && !d.SendAt.IsZero() && now.Sub(d.SendAt) > d.SendGrace {
		faults.Add("/send_at", "must not be in the past")
	}
	if d.SendAt.Sub(now) > maxAhead {
		faults.Add("/send_at", "is more than ten years ahead")
	}
	switch {
	case !d.ExpiresAt.IsZero() && d.TTL != 0:
		faults.Add("/ttl_seconds", "give expires_at or ttl_seconds, not both")
	case !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(start):
		faults.Add("/expires_at", "must be later than send_at and now")
	case d.TTL < 0 || d.TTL > maxTTL:
		faults.Add("/ttl_seconds", "must be between 1 and %d", int(maxTTL/time.Second))
	}
	p.TTL = d.TTL
	if p.TTL == 0 {
		p.TTL = p.Lane.TTL()
	}
}

// extras checks the reference, the metadata and the form of the fallback.
func extras(d *dispatch.Draft, faults *dispatch.Faults) {
	if n := len([]rune(d.Reference)); n > maxReference {
		faults.Add("/reference", "has %d characters, at most %d are allowed", n, maxReference)
	}
	if len(d.Metadata) > maxMetadata {
		faults.Add("/metadata", "is larger than %d bytes", maxMetadata)
	}
	if m := bytes.TrimSpace(d.Metadata); len(m) > 0 && m[0] != '{' {
		faults.Add("/metadata", "must be a JSON object")
	}
	if d.FallbackAfter < 0 || d.FallbackAfter > maxTTL || (d.FallbackAfter > 0 && len(d.Fallback) == 0) {
		faults.Add("/fallback_after_seconds", "must be between 1 and %d, and go with fallback", int(maxTTL/time.Second))
	}
	if len(d.Fallback) > maxFallbacks {
		faults.Add("/fallback", "has more than %d entries", maxFallbacks)
	}
}

// user checks that user_id is a member of the account's team.
func (s *Service) user(ctx context.Context, who *Caller, d *dispatch.Draft, faults *dispatch.Faults) error {
	if d.UserID == "" {
		return nil
	}
	users, err := s.Registry.Users(ctx, who.Account.ID)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.ID == d.UserID {
			return nil
		}
	}
	faults.Add("/user_id", "is not a team member's id")
	return nil
}

// contact checks the contact that is saved with the message: its list must be
// the account's, and a jsonb column must be able to hold its fields.
func (s *Service) contact(ctx context.Context, who *Caller, d *dispatch.Draft, m *dispatch.Message, faults *dispatch.Faults) error {
	c := d.Contact
	if c == nil {
		return nil
	}
	if len(c.Fields) > 0 {
		clean, err := storable.Object(c.Fields)
		if err != nil {
			faults.Add("/contact/extra_fields", "%s", err.Error())
		}
		save := *c
		save.Fields = clean
		m.Contact = &save
	}
	if len(c.Fields) > maxMetadata {
		faults.Add("/contact/extra_fields", "is larger than %d bytes", maxMetadata)
	}
	if n := len([]rune(c.Name)); n > maxName {
		faults.Add("/contact/name", "has %d characters, at most %d are allowed", n, maxName)
	}
	if c.ListID == 0 {
		return nil
	}
	ok, err := s.Accounts.HasList(ctx, who.Account.ID, c.ListID)
	if err == nil && !ok {
		faults.Add("/contact/list_id", "there is no list %d", c.ListID)
	}
	return err
}
