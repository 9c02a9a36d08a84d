package admin

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// Channel is a sender at a provider. Of its secrets it has only the names.
type Channel struct {
	ID          int64             `json:"id"`
	Key         string            `json:"key" doc:"Part of the callback address; not a secret."`
	Name        string            `json:"name"`
	Provider    string            `json:"provider"`
	Kind        string            `json:"kind"`
	Sender      string            `json:"sender"`
	Default     bool              `json:"default"`
	Enabled     bool              `json:"enabled"`
	Window      string            `json:"window"`
	Settings    map[string]string `json:"settings"`
	Secrets     []string          `json:"secrets" doc:"The names of the secrets that are set. Their values are never returned."`
	CallbackURL string            `json:"callback_url"`
	VerifyToken string            `json:"verify_token,omitempty" doc:"Only in the answer that creates the channel, if it was generated."`
	OldUntil    *time.Time        `json:"old_callback_secret_valid_until,omitempty"`
	Policy      Policy            `json:"policy"`
	Health      Health            `json:"health"`
	SendRate    *SendRate         `json:"send_rate,omitempty" doc:"Left out on the command line, which does not know it."`
}

// Docs describes the fields whose names do not.
func (*Channel) Docs() map[string]string {
	return map[string]string{
		"callback_url": "Where the provider calls back. If the provider signs nothing, it ends in the channel's " +
			"callback_secret, which is returned only when it is created or rotated.",
		"old_callback_secret_valid_until": "After a rotation: how long the previous callback address stays valid.",
	}
}

// Location returns the path of the channel in the API.
func (c *Channel) Location() string { return "/v1/channels/" + strconv.FormatInt(c.ID, 10) }

// Health is the circuit of a channel, and what its provider reports.
type Health struct {
	State     string     `json:"state" enum:"closed,open,paused"`
	Reason    string     `json:"reason,omitempty"`
	ProbeAt   *time.Time `json:"probe_at,omitempty"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`

	Reports []dispatch.ChannelReport `json:"reports,omitempty" doc:"The last that the provider has reported about each subject."`
}

// Docs describes the fields whose names do not.
func (*Health) Docs() map[string]string {
	return map[string]string{
		"state": "closed: sends; open: stopped after failures, and probed; paused: stopped by hand.",
	}
}

// closed is the state of a circuit that lets messages through.
const closed = "closed"

// SendRate is how fast a channel sends, in messages per second.
type SendRate struct {
	Configured   float64    `json:"configured"`
	Effective    float64    `json:"effective" doc:"Less than the configured rate after a 429 of the provider."`
	BlockedUntil *time.Time `json:"blocked_until,omitempty"`
}

// view returns a channel with its circuit and the provider's reports. With reveal the callback address is
// complete, and the verify token is shown.
func (s *Service) view(ctx context.Context, ch *dispatch.Channel, h store.Health, reports []dispatch.ChannelReport, reveal bool) (
	*Channel, error,
) {
	v := &Channel{
		ID: ch.ID, Key: ch.Key, Name: ch.Name, Provider: ch.Provider, Kind: ch.Kind, Sender: ch.Sender,
		Default: ch.Default, Enabled: ch.Enabled, Window: ch.Window, Settings: map[string]string{},
		Secrets: slices.AppendSeq([]string{}, maps.Keys(ch.Secrets)), CallbackURL: s.CallbackURL(ch), Policy: viewPolicy(&ch.Policy),
		Health: Health{State: h.State, Reason: h.Reason, Reports: reports},
	}
	maps.Copy(v.Settings, ch.Settings)
	slices.Sort(v.Secrets)
	if spec := s.spec(ch.Provider); spec != nil && !spec.SignsCallbacks() {
		secret := "{callback_secret}"
		if reveal {
			secret = ch.Secrets[dispatch.CallbackSecret]
		}
		v.CallbackURL += "/" + secret
	}
	if reveal {
		v.VerifyToken = ch.Secrets["verify_token"]
	}
	if !h.ChangedAt.IsZero() {
		v.Health.ChangedAt = UTC(&h.ChangedAt)
	}
	v.OldUntil = UTC(ch.OldCallbacks.End(time.Now()))
	if h.State == "open" {
		v.Health.ProbeAt = UTC(&h.ProbeAt)
	}
	var err error
	v.SendRate, err = s.sendRate(ctx, ch)
	return v, err
}

func (s *Service) sendRate(ctx context.Context, ch *dispatch.Channel) (*SendRate, error) {
	if s.Rates == nil {
		return nil, nil
	}
	effective, blocked, err := s.Rates(ctx, ch.ID, ch.Policy.Rate)
	if err != nil {
		return nil, err
	}
	r := &SendRate{Configured: ch.Policy.Rate, Effective: effective}
	if !blocked.IsZero() {
		r.BlockedUntil = UTC(&blocked)
	}
	return r, nil
}

// spec returns the description of a vendor, nil if there is none of that name.
func (s *Service) spec(name string) *provider.Spec {
	if p := s.Providers[name]; p != nil {
		return p.Spec()
	}
	return nil
}

// channelReader is what finding a channel takes; Store and Tx have it.
type channelReader interface {
	Channel(ctx context.Context, id int64) (dispatch.Channel, error)
}

// ownChannel reads a channel of the account.
func ownChannel(ctx context.Context, r channelReader, account, id int64) (*dispatch.Channel, error) {
	ch, err := r.Channel(ctx, id)
	if err != nil {
		return nil, err
	}
	if ch.Account != account {
		return nil, errNotFound()
	}
	return &ch, nil
}

// FindChannel returns the id of the channel with an id or key.
func (s *Service) FindChannel(ctx context.Context, who Actor, ref string) (int64, error) {
	chs, err := s.Store.Channels(ctx, who.Account)
	if err != nil {
		return 0, err
	}
	for i := range chs {
		if chs[i].Key == ref || strconv.FormatInt(chs[i].ID, 10) == ref {
			return chs[i].ID, nil
		}
	}
	return 0, errNotFound()
}

// Channels lists channels by id.
func (s *Service) Channels(ctx context.Context, who Actor, p Paging) (Page[*Channel], error) {
	none := Page[*Channel]{}
	chs, err := s.Store.Channels(ctx, who.Account)
	if err != nil {
		return none, err
	}
	troubled, err := s.Store.OpenCircuits(ctx)
	if err != nil {
		return none, err
	}
	reports, err := s.Store.ChannelReports(ctx, who.Account)
	if err != nil {
		return none, err
	}
	chs, err = rest(&p, chs, func(ch *dispatch.Channel) int64 { return ch.ID })
	if err != nil {
		return none, err
	}
	itself := func(ch *dispatch.Channel) *dispatch.Channel { return ch }
	page := pageOf(&p, chs, itself, func(ch *dispatch.Channel) string { return idCursor(ch.ID) })
	out := Page[*Channel]{Data: []*Channel{}, Next: page.Next}
	for _, ch := range page.Data {
		v, err := s.view(ctx, ch, healthOf(troubled, ch.ID), reports[ch.ID], false)
		if err != nil {
			return none, err
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

// healthOf returns the circuit of a channel, given those that are not closed.
func healthOf(troubled []store.Health, id int64) store.Health {
	if i := slices.IndexFunc(troubled, func(h store.Health) bool { return h.Channel == id }); i >= 0 {
		return troubled[i]
	}
	return store.Health{State: closed}
}

// Channel returns a channel.
func (s *Service) Channel(ctx context.Context, who Actor, id int64) (*Channel, error) {
	ch, err := ownChannel(ctx, s.Store, who.Account, id)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, ch, false)
}

// show is view with the circuit as it stands.
func (s *Service) show(ctx context.Context, ch *dispatch.Channel, reveal bool) (*Channel, error) {
	h, err := s.Store.ChannelHealth(ctx, ch.ID)
	if err != nil {
		return nil, err
	}
	reports, err := s.Store.ChannelReports(ctx, ch.Account)
	if err != nil {
		return nil, err
	}
	return s.view(ctx, ch, h, reports[ch.ID], reveal)
}

// RevealChannel returns a channel with what must be entered at the provider: the
// complete callback address and the verify token. It is noted in the audit log.
func (s *Service) RevealChannel(ctx context.Context, who Actor, id int64) (*Channel, error) {
	return s.changeChannel(ctx, who, id, "channel.reveal", func(Tx, *dispatch.Channel) (any, bool, error) { return nil, true, nil })
}

// channelChange changes a channel within a transaction. It returns the detail for
// the audit log, and whether the callback address is revealed.
type channelChange func(Tx, *dispatch.Channel) (detail any, reveal bool, err error)

// changeChannel changes a channel and returns it.
func (s *Service) changeChannel(ctx context.Context, who Actor, id int64, action string, f channelChange) (*Channel, error) {
	var ch *dispatch.Channel
	var reveal bool
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if ch, err = ownChannel(ctx, tx, who.Account, id); err != nil {
			return n, err
		}
		n = note{action: action, target: target("channel", id)}
		n.detail, reveal, err = f(tx, ch)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	return s.show(ctx, ch, reveal)
}

// CreateChannel creates a channel. The account's first one becomes its default.
func (s *Service) CreateChannel(ctx context.Context, who Actor, in ChannelCreate) (*Channel, error) {
	ch, err := in.channel(ctx, s, who.Account)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, who, func(tx Tx) (n note, err error) {
		others, err := tx.Channels(ctx, who.Account)
		if err != nil {
			return n, err
		}
		own := slices.ContainsFunc(others, func(o dispatch.Channel) bool { return o.Key == ch.Key })
		*ch, err = tx.CreateChannel(ctx, *ch)
		return note{"channel.create", target("channel", ch.ID), channelDetail(ch)},
			takenOr(err, own, "/key", "a channel with this key exists already")
	})
	if err != nil {
		return nil, err
	}
	v, err := s.show(ctx, ch, true)
	if err == nil && in.Secrets["verify_token"] != nil {
		v.VerifyToken = "" // whoever chose it knows it
	}
	return v, err
}

// UpdateChannel changes a channel. A new callback_secret is a rotation.
func (s *Service) UpdateChannel(ctx context.Context, who Actor, id int64, in ChannelUpdate) (*Channel, error) {
	f := input.Check(&in)
	s.checkBaseURL(ctx, in.Settings, &f)
	return s.changeChannel(ctx, who, id, in.action(), func(tx Tx, ch *dispatch.Channel) (any, bool, error) {
		before := ch.Secrets[dispatch.CallbackSecret]
		in.apply(ch, s.spec(ch.Provider), &f)
		if err := f.Err(); err != nil {
			return nil, false, err
		}
		fresh := ch.Secrets[dispatch.CallbackSecret]
		if before != "" && fresh != before {
			ch.Secrets[dispatch.CallbackSecret] = before
			if err := ch.RotateCallback(fresh, overlapUntil(in.Overlap)); err != nil {
				return nil, false, err
			}
		}
		var err error
		*ch, err = tx.UpdateChannel(ctx, *ch)
		return channelDetail(ch), fresh != before, err
	})
}

// channelDetail is what the audit log keeps of a channel: no secret.
func channelDetail(ch *dispatch.Channel) map[string]any {
	return map[string]any{
		"name": ch.Name, "provider": ch.Provider, "kind": ch.Kind, "sender": ch.Sender,
		"default": ch.Default, "enabled": ch.Enabled, "window": ch.Window,
		"settings": ch.Settings, "secrets": slices.Sorted(maps.Keys(ch.Secrets)), "policy": viewPolicy(&ch.Policy),
	}
}

// DeleteChannel deletes a channel. It returns dispatch.Conflict while messages
// of the channel are unfinished.
func (s *Service) DeleteChannel(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (n note, err error) {
		ch, err := ownChannel(ctx, tx, who.Account, id)
		if err != nil {
			return n, err
		}
		n = note{"channel.delete", target("channel", id), map[string]string{"key": ch.Key, "name": ch.Name}}
		return n, tx.DeleteChannel(ctx, who.Account, id)
	})
}

// Pause is the input of PauseChannel.
type Pause struct {
	Reason string `json:"reason,omitempty" maxLength:"200" doc:"Shown with the channel; \"paused by hand\" if left out."`
}

// PauseChannel stops a channel: its messages are accepted and wait.
func (s *Service) PauseChannel(ctx context.Context, who Actor, id int64, in Pause) (*Channel, error) {
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	reason := strings.TrimSpace(in.Reason)
	if reason == "" {
		reason = "paused by hand"
	}
	return s.changeChannel(ctx, who, id, "channel.pause", func(tx Tx, ch *dispatch.Channel) (any, bool, error) {
		return map[string]string{"reason": reason}, false, tx.PauseChannel(ctx, ch.ID, reason)
	})
}

// ResumeChannel ends a pause, and closes a circuit that failures have opened.
func (s *Service) ResumeChannel(ctx context.Context, who Actor, id int64) (*Channel, error) {
	return s.changeChannel(ctx, who, id, "channel.resume", func(tx Tx, ch *dispatch.Channel) (any, bool, error) {
		return nil, false, tx.CloseCircuit(ctx, ch.ID, true)
	})
}

// RotateCallback sets a new callback secret of a channel. It returns
// dispatch.Conflict if the provider signs its callbacks.
func (s *Service) RotateCallback(ctx context.Context, who Actor, id int64, in Rotate) (*Channel, error) {
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	until := overlapUntil(in.Overlap)
	return s.changeChannel(ctx, who, id, "channel.rotate_callback_secret", func(tx Tx, ch *dispatch.Channel) (any, bool, error) {
		if spec := s.spec(ch.Provider); spec == nil || spec.SignsCallbacks() {
			return nil, false, dispatch.Errorf(dispatch.Conflict, "%s signs its callbacks: this channel needs no callback secret", ch.Provider)
		}
		err := ch.RotateCallback(provider.RandomSecret(), until)
		if err != nil {
			return nil, false, err
		}
		*ch, err = tx.UpdateChannel(ctx, *ch)
		return map[string]time.Time{"old_secret_valid_until": until.UTC()}, true, err
	})
}
