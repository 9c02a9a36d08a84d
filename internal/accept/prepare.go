package accept

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Limits of what a client may attach or ask for.
const (
	maxReference = 255
	maxMetadata  = 4096
	maxName      = 200                       // of a contact, as in /v1/contacts
	maxAhead     = 10 * 366 * 24 * time.Hour // of send_at
	maxTTL       = 366 * 24 * time.Hour
	maxFallbacks = 5
)

// prepared is a draft that passed every check, ready to be committed.
type prepared struct {
	store.Accept
	template int64
	simulate bool
}

// prepare checks a draft against everything that does not need the accept
// transaction: channel, number, content, template, times.
func (s *Service) prepare(ctx context.Context, who *Caller, d *dispatch.Draft, now time.Time) (*prepared, error) {
	if d.AccountSID != "" && d.AccountSID != who.Account.SID {
		return nil, &dispatch.Error{Code: dispatch.Unauthorized, Reason: "sid", Msg: "the key does not belong to this account"}
	}
	ch, err := s.channel(ctx, who, d)
	if err != nil {
		return nil, err
	}
	var faults dispatch.Faults
	m := &dispatch.Message{
		ID: dispatch.NewID(), Account: who.Account.ID, Channel: ch.ID, Key: who.Key.ID, Test: who.Key.Test, Content: d.Content,
		Reference: d.Reference, Metadata: string(d.Metadata), User: d.UserID, Contact: d.Contact, StatusCallback: d.StatusCallback, Parent: d.Parent,
		IdemKey: d.IdemKey, IdemIndex: d.IdemIndex, IdemFingerprint: d.IdemFingerprint,
	}
	p := &prepared{Accept: store.Accept{Message: m}, simulate: d.Simulate}
	if m.To, err = dispatch.ParsePhone(d.To); err != nil {
		faults = append(faults, faultsOf(err, "/to")...)
	} else if err := who.mayReach(m.To); err != nil {
		return nil, err
	}
	category, err := s.content(ctx, who, ch, d, m, p, &faults)
	if err != nil {
		return nil, err
	}
	m.Lane = laneOf(d, category, &faults)
	times(d, p, now, &faults)
	extras(d, &faults)
	if err := s.user(ctx, who, d, &faults); err != nil {
		return nil, err
	}
	if err := s.contact(ctx, who, d, m, &faults); err != nil {
		return nil, err
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	m.FallbackAfter = d.FallbackAfter
	m.Fallback, err = s.fallback(ctx, who, d)
	if err != nil {
		return nil, err
	}
	return p, s.finish(who, ch, category, p)
}

// finish encodes the content and prices the message.
func (s *Service) finish(who *Caller, ch *dispatch.Channel, category string, p *prepared) error {
	var err error
	if p.Raw, err = stored(&p.Content); err != nil {
		return dispatch.InvalidField("/"+string(p.Content.Type), "cannot be encoded: %v", err)
	}
	p.Segments = 0
	if ch.Kind == "sms" && p.Content.Type == dispatch.TypeText {
		p.Segments, _ = dispatch.Segments(p.Content.Text.Body)
	}
	p.Price = price(ch, category) * int64(max(p.Segments, 1))
	p.Charge = who.Account.Credits && !p.Test
	p.NeedsWindow = hasWindow(ch) && p.Content.Type != dispatch.TypeTemplate
	return nil
}

// hasWindow says that we keep the channel's conversation window: free-form
// content needs it open.
func hasWindow(ch *dispatch.Channel) bool { return ch.WhatsApp() && ch.Window != "provider" }

// stored writes content as it is kept, and as Meta gets it: &, < and > need no
// escape outside HTML.
func stored(c *dispatch.Content) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(c)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func price(ch *dispatch.Channel, category string) int64 {
	if v, ok := ch.Policy.Price[category]; ok {
		return v
	}
	return ch.Policy.Price[""]
}

// channel finds the draft's channel and holds it against what the dialect says
// of it.
func (s *Service) channel(ctx context.Context, who *Caller, d *dispatch.Draft) (*dispatch.Channel, error) {
	ch, err := s.reg.FindChannel(ctx, who.Account.ID, d.Channel, d.ChannelBy, d.Kind)
	if err != nil {
		return nil, err
	}
	if (d.Provider != "" && ch.Provider != d.Provider) || (d.Kind != "" && ch.Kind != d.Kind) {
		return nil, &dispatch.Error{Code: dispatch.ChannelNotFound, Reason: "kind", Msg: "the channel is not of this provider or kind", Faults: []dispatch.Fault{{Field: "/channel", Msg: "the channel is not of this provider or kind"}}}
	}
	if !ch.Enabled {
		return nil, dispatch.InvalidField("/channel", "the channel is disabled")
	}
	return ch, nil
}

// content resolves the template, if any, and validates what is to be sent
// against the channel. It gives the template's category.
func (s *Service) content(ctx context.Context, who *Caller, ch *dispatch.Channel, d *dispatch.Draft, m *dispatch.Message, p *prepared, faults *dispatch.Faults) (string, error) {
	c := &m.Content
	category := ""
	if c.Type == dispatch.TypeTemplate && c.Template != nil {
		use := *c.Template // the draft may be shared by several recipients
		c.Template = &use
		ts, err := s.reg.Templates(ctx, who.Account.ID)
		if err != nil {
			return "", err
		}
		if !s.supports(ch, c.Type) {
			return "", unsupported(ch, c.Type)
		}
		t, err := ts.Find(&use, ch)
		if err != nil {
			return "", err
		}
		if err := t.Usable(); err != nil {
			return "", err
		}
		if err := t.Resolve(c.Template, d.Variables); err != nil {
			*faults = append(*faults, faultsOf(err, "/template")...)
			return t.Category, nil
		}
		category, p.template = t.Category, t.ID
	}
	if c.Type == "" {
		faults.Add("/type", "is required: one of text, template, image, video, audio, document, sticker, location, contacts, interactive, reaction")
		return "", nil
	}
	if ch.WhatsApp() {
		*faults = append(*faults, c.Validate()...)
	} else {
		*faults = append(*faults, c.ValidateSMS()...)
	}
	if len(*faults) > 0 {
		return category, nil
	}
	if !s.supports(ch, c.Type) {
		return "", unsupported(ch, c.Type)
	}
	return category, s.quotes(ctx, ch, m, faults)
}

func (s *Service) supports(ch *dispatch.Channel, t dispatch.Type) bool {
	p := s.providers[ch.Provider]
	return p != nil && p.Supports(ch.Kind, t)
}

func unsupported(ch *dispatch.Channel, t dispatch.Type) error {
	msg := "a " + ch.Provider + " " + ch.Kind + " channel cannot send " + string(t)
	return &dispatch.Error{Code: dispatch.UnsupportedType, Msg: msg, Faults: []dispatch.Fault{{Field: "/type", Msg: msg}}}
}

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

// times checks send_at and expiry; the database's clock decides later.
func times(d *dispatch.Draft, p *prepared, now time.Time, faults *dispatch.Faults) {
	p.SendAt, p.ExpiresAt = d.SendAt, d.ExpiresAt
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

func (s *Service) user(ctx context.Context, who *Caller, d *dispatch.Draft, faults *dispatch.Faults) error {
	if d.UserID == "" {
		return nil
	}
	users, err := s.reg.Users(ctx, who.Account.ID)
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

// contact checks what is to be saved of the recipient: a list of the account,
// and fields that a jsonb column can hold.
func (s *Service) contact(ctx context.Context, who *Caller, d *dispatch.Draft, m *dispatch.Message, faults *dispatch.Faults) error {
	c := d.Contact
	if c == nil {
		return nil
	}
	if len(c.Fields) > 0 {
		clean, err := storable(c.Fields)
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
	ok, err := s.Store.HasList(ctx, who.Account.ID, c.ListID)
	if err == nil && !ok {
		faults.Add("/contact/list_id", "there is no list %d", c.ListID)
	}
	return err
}

// faultsOf gives err's faults, or err itself as one fault of field.
func faultsOf(err error, field string) dispatch.Faults {
	e := dispatch.AsError(err)
	if len(e.Faults) > 0 {
		for i := range e.Faults {
			if e.Faults[i].Field == "" {
				e.Faults[i].Field = field
			}
		}
		return e.Faults
	}
	return dispatch.Faults{{Field: field, Msg: e.Msg}}
}
