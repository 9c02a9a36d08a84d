package manage

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

// channelView is a channel as it is shown: of its secrets the names alone.
type channelView struct {
	ID          int64             `json:"id"`
	Key         string            `json:"key" doc:"Stands in callback addresses; it is no secret."`
	Name        string            `json:"name"`
	Provider    string            `json:"provider"`
	Kind        string            `json:"kind"`
	Sender      string            `json:"sender"`
	Default     bool              `json:"default"`
	Enabled     bool              `json:"enabled"`
	Window      string            `json:"window"`
	Settings    map[string]string `json:"settings"`
	Secrets     []string          `json:"secrets" doc:"The names of the secrets that are set; what they are is never shown."`
	CallbackURL string            `json:"callback_url" doc:"Where the provider calls back. Where it signs nothing the channel's callback_secret stands at the end; it is shown when it is made."`
	OldUntil    *time.Time        `json:"old_callback_secret_valid_until,omitempty" doc:"After a rotation: how long the callback address before it still works."`
	VerifyToken string            `json:"verify_token,omitempty" doc:"Only in the answer that creates the channel, if it was generated."`
	Policy      policyView        `json:"policy"`
	Health      healthView        `json:"health"`
	SendRate    sendRate          `json:"send_rate"`
}

func (c *channelView) location() string { return "/v1/channels/" + strconv.FormatInt(c.ID, 10) }

// healthView is a channel's circuit.
type healthView struct {
	State     string     `json:"state" enum:"closed,open,paused" doc:"closed: sends; open: stopped after trouble and probed; paused: stopped by hand."`
	Reason    string     `json:"reason,omitempty"`
	ProbeAt   *time.Time `json:"probe_at,omitempty"`
	ChangedAt *time.Time `json:"changed_at,omitempty"`
}

// sendRate is how fast a channel sends, in messages a second.
type sendRate struct {
	Configured   float64    `json:"configured"`
	Effective    float64    `json:"effective" doc:"Below the configured one after the provider's 429."`
	BlockedUntil *time.Time `json:"blocked_until,omitempty"`
}

// policyView is how a channel is sent through.
type policyView struct {
	Rate             float64            `json:"rate"`
	Concurrency      int                `json:"concurrency"`
	RecipientSpacing float64            `json:"recipient_spacing_s"`
	MaxAttempts      int                `json:"max_attempts"`
	MaxAge           float64            `json:"max_age_s"`
	BackoffBase      float64            `json:"backoff_base_s"`
	BackoffCap       float64            `json:"backoff_cap_s"`
	ResolveWindow    laneView[float64]  `json:"resolve_window_s"`
	UnknownRetries   laneView[int]      `json:"unknown_retries"`
	Price            map[string]decimal `json:"price"`
}

// laneView is a figure for each lane.
type laneView[T any] struct {
	OTP    T `json:"otp"`
	Normal T `json:"normal"`
	Bulk   T `json:"bulk"`
}

func viewPolicy(p *dispatch.Policy) policyView {
	v := policyView{
		Rate: p.Rate, Concurrency: p.Concurrency, RecipientSpacing: p.RecipientSpacing.Seconds(), MaxAttempts: p.MaxAttempts, MaxAge: p.MaxAge.Seconds(),
		BackoffBase: p.BackoffBase.Seconds(), BackoffCap: p.BackoffCap.Seconds(),
		ResolveWindow:  laneView[float64]{p.ResolveWindow[dispatch.OTP].Seconds(), p.ResolveWindow[dispatch.Normal].Seconds(), p.ResolveWindow[dispatch.Bulk].Seconds()},
		UnknownRetries: laneView[int]{p.UnknownRetries[dispatch.OTP], p.UnknownRetries[dispatch.Normal], p.UnknownRetries[dispatch.Bulk]},
		Price:          map[string]decimal{},
	}
	for category, price := range p.Price {
		if category == "" {
			category = defaultPrice
		}
		v.Price[category] = decimal(price)
	}
	return v
}

// viewChannel shows a channel and how it stands. Without Redis the rate is what
// this process knows.
func (s *server) viewChannel(ctx context.Context, ch *dispatch.Channel, h store.Health, reveal bool) (*channelView, error) {
	v := &channelView{
		ID: ch.ID, Key: ch.Key, Name: ch.Name, Provider: ch.Provider, Kind: ch.Kind, Sender: ch.Sender, Default: ch.Default, Enabled: ch.Enabled, Window: ch.Window,
		Settings: ch.Settings, Secrets: slices.Sorted(maps.Keys(ch.Secrets)), CallbackURL: s.CallbackURL(ch), Policy: viewPolicy(&ch.Policy),
		Health: healthView{State: h.State, Reason: h.Reason},
	}
	if v.Settings == nil {
		v.Settings = map[string]string{}
	}
	if v.Secrets == nil {
		v.Secrets = []string{}
	}
	if spec := s.spec(ch.Provider); spec != nil && !spec.SignsCallbacks() {
		v.CallbackURL += "/{callback_secret}"
		if reveal {
			v.CallbackURL = s.CallbackURL(ch) + "/" + ch.Secrets[callbackSecret]
		}
	}
	if !h.ChangedAt.IsZero() {
		v.Health.ChangedAt = utc(&h.ChangedAt)
	}
	if _, ok := ch.BeforeRotation(time.Now()); ok {
		v.OldUntil = utc(&ch.OldCallbackUntil)
	}
	if h.State == "open" {
		v.Health.ProbeAt = utc(&h.ProbeAt)
	}
	st, err := s.Channels.State(ctx, ch.ID, ch.Policy.Rate)
	if err != nil {
		return nil, err
	}
	v.SendRate = sendRate{Configured: ch.Policy.Rate, Effective: st.EffectiveRate}
	if !st.BlockedUntil.IsZero() {
		v.SendRate.BlockedUntil = utc(&st.BlockedUntil)
	}
	return v, nil
}

func (m *manager) channels() {
	s := m.s
	const tag = "Channels"
	handle(m, route{method: http.MethodGet, path: "/v1/channels", permissions: forMessages, tag: tag, summary: "List channels"}, s.listChannels)
	handle(m, route{method: http.MethodPost, path: "/v1/channels", permissions: forManage, tag: tag, summary: "Make a channel", text: "The account's first channel becomes its default.", status: http.StatusCreated}, s.createChannel)
	handle(m, route{method: http.MethodGet, path: "/v1/channels/{id}", permissions: forMessages, tag: tag, summary: "Show a channel"}, s.getChannel)
	handle(m, route{method: http.MethodPatch, path: "/v1/channels/{id}", permissions: forManage, tag: tag, summary: "Change a channel", text: "Fields that are left out stay; of settings and secrets those that are named change, and null removes one."}, s.updateChannel)
	remove(m, route{path: "/v1/channels/{id}", permissions: forManage, tag: tag, summary: "Delete a channel", text: "Refused while messages of it are unfinished: disable it then."}, s.deleteChannel)
	handle(m, route{method: http.MethodPost, path: "/v1/channels/{id}/pause", permissions: forManage, tag: tag, summary: "Pause a channel", text: "Messages are still accepted and wait."}, s.pauseChannel)
	handle(m, route{method: http.MethodPost, path: "/v1/channels/{id}/resume", permissions: forManage, tag: tag, summary: "Let a channel send again", text: "Also closes a circuit that trouble has opened."}, s.resumeChannel)
	handle(m, route{method: http.MethodPost, path: "/v1/channels/{id}/callback-secret", permissions: forManage, tag: tag, summary: "Make a new callback secret", text: "The new callback address is shown in this answer only; the old one works until the overlap is over."}, s.rotateCallback)
}

// ownChannel reads a channel of the account.
func ownChannel(ctx context.Context, st *account.Store, account, id int64) (*dispatch.Channel, error) {
	ch, err := st.Channel(ctx, id)
	if err != nil {
		return nil, err
	}
	if ch.Account != account {
		return nil, dispatch.ErrNotFound
	}
	return &ch, nil
}

// showChannel is viewChannel with the circuit as it stands.
func (s *server) showChannel(ctx context.Context, ch *dispatch.Channel, reveal bool) (*channelView, error) {
	h, err := s.Store.ChannelHealth(ctx, ch.ID)
	if err != nil {
		return nil, err
	}
	return s.viewChannel(ctx, ch, h, reveal)
}

func (s *server) listChannels(ctx context.Context, who *accept.Caller, in *listIn) (middleware.List[*channelView], error) {
	var none middleware.List[*channelView]
	chs, err := s.Accounts.Channels(ctx, who.Account.ID)
	if err != nil {
		return none, err
	}
	page, err := pageOfAll(chs, &in.Paging, func(c *dispatch.Channel) int64 { return c.ID })
	if err != nil {
		return none, err
	}
	out := middleware.List[*channelView]{Data: make([]*channelView, len(page.Data)), Next: page.Next}
	troubled, err := s.Registry.OpenCircuits(ctx)
	if err != nil {
		return none, err
	}
	for i := range page.Data {
		h, ok := troubled[page.Data[i].ID]
		if !ok {
			h.State = "closed"
		}
		if out.Data[i], err = s.viewChannel(ctx, &page.Data[i], h, false); err != nil {
			return none, err
		}
	}
	return out, nil
}

func (s *server) getChannel(ctx context.Context, who *accept.Caller, in *IDPath) (*channelView, error) {
	ch, err := ownChannel(ctx, s.Accounts, who.Account.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return s.showChannel(ctx, ch, false)
}

// changeChannel makes a change of a channel, notes it, and shows what became of
// it; reveal: with its callback secret.
func (s *server) changeChannel(ctx context.Context, who *accept.Caller, id int64, action string, f func(*account.Store, *dispatch.Channel) (detail any, reveal bool, err error)) (*channelView, error) {
	var ch *dispatch.Channel
	var reveal bool
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if ch, err = ownChannel(ctx, st, who.Account.ID, id); err != nil {
			return n, err
		}
		n = account.Note{Action: action, Target: target("channel", id)}
		n.Detail, reveal, err = f(st, ch)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	return s.showChannel(ctx, ch, reveal)
}

func (s *server) createChannel(ctx context.Context, who *accept.Caller, in *channelCreate) (*channelView, error) {
	ch, err := in.channel(s, who.Account.ID)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		*ch, err = st.CreateChannel(ctx, *ch)
		return account.Note{Action: "channel.create", Target: target("channel", ch.ID), Detail: channelNote(ch)}, conflictSays(err, "a channel with this key exists already")
	})
	if err != nil {
		return nil, err
	}
	v, err := s.showChannel(ctx, ch, true)
	if err == nil && in.Body.Secrets["verify_token"] == nil {
		v.VerifyToken = ch.Secrets["verify_token"]
	}
	return v, err
}

func (s *server) updateChannel(ctx context.Context, who *accept.Caller, in *channelUpdate) (*channelView, error) {
	return s.changeChannel(ctx, who, in.ID, "channel.update", func(st *account.Store, ch *dispatch.Channel) (any, bool, error) {
		before := ch.Secrets[callbackSecret]
		if err := in.Body.apply(ch, s.spec(ch.Provider)); err != nil {
			return nil, false, err
		}
		fresh := ch.Secrets[callbackSecret]
		if before != "" && fresh != before {
			ch.Secrets[callbackSecret] = before
			ch.RotateCallback(fresh, overlapUntil(in.Body.Overlap))
		}
		var err error
		*ch, err = st.UpdateChannel(ctx, *ch)
		return channelNote(ch), fresh != before, err
	})
}

// channelNote is what the audit log keeps of a change: no secret.
func channelNote(ch *dispatch.Channel) map[string]any {
	return map[string]any{
		"name": ch.Name, "provider": ch.Provider, "kind": ch.Kind, "sender": ch.Sender, "default": ch.Default, "enabled": ch.Enabled, "window": ch.Window,
		"settings": ch.Settings, "secrets": slices.Sorted(maps.Keys(ch.Secrets)), "policy": viewPolicy(&ch.Policy),
	}
}

func (s *server) deleteChannel(ctx context.Context, who *accept.Caller, in *IDPath) error {
	return s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if _, err := ownChannel(ctx, st, who.Account.ID, in.ID); err != nil {
			return n, err
		}
		return account.Note{Action: "channel.delete", Target: target("channel", in.ID)}, st.DeleteChannel(ctx, who.Account.ID, in.ID)
	})
}

type channelPause struct {
	IDPath
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"200"`
	}
}

func (s *server) pauseChannel(ctx context.Context, who *accept.Caller, in *channelPause) (*channelView, error) {
	reason := "paused by hand"
	if in.Body != nil && in.Body.Reason != "" {
		reason = in.Body.Reason
	}
	return s.changeChannel(ctx, who, in.ID, "channel.pause", func(st *account.Store, ch *dispatch.Channel) (any, bool, error) {
		return map[string]string{"reason": reason}, false, s.Store.In(st.Tx()).PauseChannel(ctx, ch.ID, reason)
	})
}

func (s *server) resumeChannel(ctx context.Context, who *accept.Caller, in *IDPath) (*channelView, error) {
	return s.changeChannel(ctx, who, in.ID, "channel.resume", func(st *account.Store, ch *dispatch.Channel) (any, bool, error) {
		return nil, false, s.Store.In(st.Tx()).CloseCircuit(ctx, ch.ID, true)
	})
}

func (s *server) rotateCallback(ctx context.Context, who *accept.Caller, in *callbackRotate) (*channelView, error) {
	var overlap *int
	if in.Body != nil {
		overlap = in.Body.Overlap
	}
	until := overlapUntil(overlap)
	return s.changeChannel(ctx, who, in.ID, "channel.rotate_callback_secret", func(st *account.Store, ch *dispatch.Channel) (any, bool, error) {
		if spec := s.spec(ch.Provider); spec == nil || spec.SignsCallbacks() {
			return nil, false, dispatch.Errorf(dispatch.Conflict, "%s signs its callbacks: this channel needs no callback secret", ch.Provider)
		}
		ch.RotateCallback(provider.RandomSecret(), until)
		var err error
		*ch, err = st.UpdateChannel(ctx, *ch)
		return map[string]time.Time{"old_secret_valid_until": until.UTC()}, true, err
	})
}
