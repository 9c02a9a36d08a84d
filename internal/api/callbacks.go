package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/api/manage"
	"github.com/sendoff/sendoff/internal/api/message"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/optout"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// Verifier is a provider that verifies a callback URL with a GET request before
// it is used.
type Verifier interface {
	Verify(ch *dispatch.Channel, query url.Values) (challenge string, ok bool)
}

// Channels finds a channel by its key, cached. It returns an error with the code
// dispatch.NotFound if there is none.
type Channels interface {
	ChannelByKey(ctx context.Context, key string) (*dispatch.Channel, error)
	// Channels lists the channels of an account.
	Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error)
}

// CallbackStore keeps what providers report.
type CallbackStore interface {
	Apply(ctx context.Context, us []dispatch.StatusUpdate) (store.Applied, error)
	FindMessage(ctx context.Context, u dispatch.StatusUpdate) (dispatch.ID, error)
	Park(ctx context.Context, us ...dispatch.StatusUpdate) error
	InsertInbound(ctx context.Context, channel int64, ins []dispatch.Inbound) (refused []int, err error)
	Consents(ctx context.Context, account int64, cs []dispatch.Consent) error
	OptOutLanguages(ctx context.Context, account int64) ([]string, error)
	Learn(ctx context.Context, account int64, ins []dispatch.Inbound) error
}

// IgnoredStore keeps the callbacks that nothing was read from, and how many came.
type IgnoredStore interface {
	KeepIgnored(ctx context.Context, account int64, c dispatch.IgnoredCallback) error
	// Count adds numbers of callbacks to those of their channels.
	Count(ctx context.Context, counts []dispatch.CallbackCount) error
	manage.Ignored
}

// ReportStore keeps what providers report besides statuses and inbound messages.
type ReportStore interface {
	// Messages returns our ids of the channel's messages by the provider's.
	Messages(ctx context.Context, channel int64, refs []string) (map[string]dispatch.ID, error)
	// KeepNotes adds events that change no status to messages of the channel.
	KeepNotes(ctx context.Context, channel int64, notes []dispatch.StatusUpdate) error
	// ChangeTemplates writes what a provider reports of templates into the registry.
	ChangeTemplates(ctx context.Context, channel int64, changes []dispatch.TemplateChange) error
	// SetMessagingLimit sets the limit of the channels of ch's business.
	SetMessagingLimit(ctx context.Context, ch *dispatch.Channel, limit int) error
	// ReportChannel keeps what a provider reports of the channel or its account.
	ReportChannel(ctx context.Context, channel int64, reports []dispatch.ChannelReport) error
}

// callbacks serves the callbacks of providers.
type callbacks struct {
	providers map[string]provider.Provider
	channels  Channels
	store     CallbackStore
	unread    IgnoredStore
	reports   ReportStore
	views     *message.Views
	statuses  *batch.Batcher[dispatch.StatusUpdate, bool]
	counts    *callbackCounts
	observer  Observer
	log       *slog.Logger
	publicURL string
	warn      rate.Sometimes                            // a flood of forged callbacks must not fill the log
	test      func(*dispatch.Channel) *dispatch.Channel // the emulator's stand-in for a channel
}

func newCallbacks(o *Options, views *message.Views) *callbacks {
	cb := &callbacks{
		providers: o.Providers, channels: o.Registry, store: o.Store, unread: o.Ignored, reports: o.Reports, views: views,
		observer: o.Observer, log: o.Log, publicURL: o.PublicURL, test: o.TestChannel, warn: rate.Sometimes{First: 10, Interval: time.Second},
	}
	cb.counts = &callbackCounts{log: o.Log, write: func(ctx context.Context, counts []dispatch.CallbackCount) error {
		return cb.unread.Count(ctx, counts) // a description of the API has no store
	}}
	cb.statuses = batch.New(batch.Options{Max: 500, Queue: 20_000, Workers: 2, Timeout: 10 * time.Second}, cb.apply)
	return cb
}

// serve takes a callback: it is verified before it is read and answered once it
// is committed. A 503 makes the provider repeat it.
func (cs *callbacks) serve(c echo.Context) error {
	r := c.Request()
	p := cs.providers[c.Param("provider")]
	ch, err := cs.channels.ChannelByKey(r.Context(), c.Param("channel"))
	if p == nil || (err != nil && dispatch.CodeOf(err) == dispatch.NotFound) || (err == nil && ch.Provider != c.Param("provider")) {
		return dispatch.Errorf(dispatch.NotFound, "no such channel")
	}
	if err != nil {
		return middleware.Unavailable(err)
	}
	if ch.Unreadable { // nothing can be verified; the provider repeats it
		return middleware.Unavailable(errors.New("the channel's secrets can't be read"))
	}
	if r.Method == http.MethodGet {
		if done, err := cs.handshake(c, p, ch); done {
			return err
		}
	}
	body, err := middleware.ReadBody(c, middleware.MaxBody)
	if err != nil {
		return err
	}
	r.SetPathValue("secret", c.Param("secret"))
	cb, err := cs.parse(c, p, ch, body)
	if err != nil {
		cs.rejected(ch, err)
		return err
	}
	unread, err := cs.takeAll(r.Context(), ch, &cb)
	if err != nil {
		return &dispatch.Error{Code: dispatch.Overloaded, Msg: "not stored; repeat", RetryAfter: 1, Err: err}
	}
	cs.counts.add(ch.ID, "")
	if len(unread) > 0 {
		if err := cs.ignored(r.Context(), ch, unread, r.URL.Query(), body); err != nil {
			cs.log.Error("ignored callback not kept", "channel", ch.ID, "error", err)
		}
	}
	return c.String(http.StatusOK, cb.Reply)
}

func (cs *callbacks) handshake(c echo.Context, p provider.Provider, ch *dispatch.Channel) (bool, error) {
	v, ok := p.(Verifier)
	if !ok {
		return false, nil
	}
	for _, as := range []*dispatch.Channel{ch, cs.test(ch)} {
		if challenge, ok := v.Verify(as, c.QueryParams()); ok {
			return true, c.String(http.StatusOK, challenge)
		}
	}
	return true, c.String(http.StatusForbidden, "verify token does not match")
}

// rejected counts and logs a callback whose signature or body is wrong.
func (cs *callbacks) rejected(ch *dispatch.Channel, err error) {
	reason := string(dispatch.CodeOf(err))
	if errors.Is(err, provider.ErrBadSignature) {
		reason = "signature"
	}
	cs.observer.CallbackRejected(ch.ID, reason)
	cs.counts.add(ch.ID, reason)
	cs.warn.Do(func() { cs.log.Warn("callback rejected", "channel", ch.ID, "reason", reason) })
}

// parse verifies with the channel's own secrets, while a rotation's
// overlap lasts with the old callback secrets or, for messages of test keys, with
// those generated for the emulator.
func (cs *callbacks) parse(c echo.Context, p provider.Provider, ch *dispatch.Channel, body []byte) (provider.Callback, error) {
	r := c.Request()
	url := cs.publicURL + r.URL.RequestURI()
	cb, err := provider.Parse(p, ch, r, url, body)
	if err == nil {
		return cb, nil
	}
	for _, before := range ch.BeforeRotation(time.Now()) {
		if old, oldErr := provider.Parse(p, before, r, url, body); oldErr == nil {
			return old, nil
		}
	}
	if test, testErr := provider.Parse(p, cs.test(ch), r, url, body); testErr == nil {
		return cs.onlyTest(r.Context(), ch.ID, test), nil
	}
	return cb, err
}

// onlyTest returns the statuses of messages of test keys: the secrets of the
// emulator must not give access to real messages.
func (cs *callbacks) onlyTest(ctx context.Context, channel int64, cb provider.Callback) provider.Callback {
	kept := cb.Statuses[:0]
	for _, u := range cb.Statuses {
		if u.ID == dispatch.NoID { // the provider echoes no id of ours: find it by its own
			u.Channel, u.Test = channel, true
			id, err := cs.store.FindMessage(ctx, u)
			if err != nil {
				continue
			}
			if id == dispatch.NoID { // its call may be open: apply parks it
				kept = append(kept, u)
				continue
			}
			u.ID = id
		}
		if v, err := cs.views.Find(ctx, u.ID); err == nil && v != nil && v.Test {
			kept = append(kept, u)
		}
	}
	return provider.Callback{Part: provider.Part{Statuses: kept, Unread: cb.Unread}, Reply: cb.Reply}
}

// take commits the part of a callback about one channel: statuses in a batch with
// those of other callbacks, its inbound messages in one statement.
func (cs *callbacks) take(ctx context.Context, ch *dispatch.Channel, cb *provider.Part) error {
	ctx = context.WithoutCancel(ctx)
	for i := range cb.Statuses {
		cb.Statuses[i].Channel = ch.ID
	}
	if len(cb.Statuses) > 0 {
		found, err := cs.statuses.DoAll(ctx, cb.Statuses)
		if err != nil {
			return err
		}
		var early []dispatch.StatusUpdate
		for i, ok := range found {
			u := &cb.Statuses[i]
			if ok {
				continue
			}
			if c, ok := refusal(u); ok {
				cb.Consents = append(cb.Consents, c)
			}
			switch {
			case u.Late(time.Now()):
				cs.late(ctx, ch, u)
			case u.ProviderID != "" || u.ID != dispatch.NoID:
				early = append(early, *u)
			}
		}
		if err := cs.store.Park(ctx, early...); err != nil {
			return err
		}
	}
	if err := cs.reports.KeepNotes(ctx, ch.ID, cb.Notes); err != nil {
		return err
	}
	if err := cs.store.Consents(ctx, ch.Account, cb.Consents); err != nil {
		return err
	}
	changes, err := cs.templateChanges(ctx, cb)
	if err != nil {
		return err
	}
	if err := cs.reports.ChangeTemplates(ctx, ch.ID, changes); err != nil {
		return err
	}
	if cb.MessagingLimit != 0 {
		if err := cs.reports.SetMessagingLimit(ctx, ch, cb.MessagingLimit); err != nil {
			return err
		}
	}
	if err := cs.reports.ReportChannel(ctx, ch.ID, cb.Reports); err != nil {
		return err
	}
	return cs.receive(ctx, ch, cb.Inbound)
}

// refusal returns the opt-out of a refusal of an unknown message: it
// names the person all the same.
func refusal(u *dispatch.StatusUpdate) (dispatch.Consent, bool) {
	id := cmp.Or(person.ID(u.Recipient), person.ID(u.WaID), person.ID(u.UserID))
	if !u.Suppress || u.Test || id == "" {
		return dispatch.Consent{}, false
	}
	return dispatch.Consent{
		Person: id, Scope: dispatch.ScopeOfRefusal(u.ProviderCode), Refused: true, Detail: "the provider refused a message: " +
			u.ProviderCode, At: u.At,
	}, true
}

// receive stores inbound messages. One that can't be stored is logged and holds
// up no other.
func (cs *callbacks) receive(ctx context.Context, ch *dispatch.Channel, ins []dispatch.Inbound) error {
	for i := range ins {
		ins[i].Channel = ch.ID
	}
	if err := cs.hear(ctx, ch, ins); err != nil {
		return err
	}
	if err := cs.resolve(ctx, ch, ins); err != nil {
		return err
	}
	refused, err := cs.store.InsertInbound(ctx, ch.ID, ins)
	for _, i := range refused {
		cs.log.Error("inbound message can't be stored", "channel", ch.ID, "type", ins[i].Type, "provider_id_bytes", len(ins[i].ProviderID))
	}
	if err != nil {
		return err
	}
	return cs.store.Learn(ctx, ch.Account, ins)
}

// resolve puts our ids of the messages that contacts answer into ins.
func (cs *callbacks) resolve(ctx context.Context, ch *dispatch.Channel, ins []dispatch.Inbound) error {
	var refs []string
	for i := range ins {
		refs = append(refs, ins[i].Content.Refs()...)
	}
	known, err := cs.reports.Messages(ctx, ch.ID, refs)
	if err != nil {
		return err
	}
	for i := range ins {
		ins[i].Content.Resolve(known)
	}
	return nil
}

// hear marks the messages that opt out or in by words of the account's languages,
// unless the provider has recognised a word of its own.
func (cs *callbacks) hear(ctx context.Context, ch *dispatch.Channel, ins []dispatch.Inbound) error {
	if !slices.ContainsFunc(ins, func(in dispatch.Inbound) bool { return optout.MayAsk(&in) }) {
		return nil
	}
	languages, err := cs.store.OptOutLanguages(ctx, ch.Account)
	if err != nil {
		return err
	}
	for i := range ins {
		if in := &ins[i]; !in.Stop && !in.Start {
			in.Stop, in.Start = optout.Asks(in, languages)
		}
	}
	return nil
}

// apply applies the statuses of many callbacks and counts the messages that fail
// by them, once each: providers repeat callbacks. It reports for each status
// whether its message was found.
func (cs *callbacks) apply(ctx context.Context, us []dispatch.StatusUpdate) ([]bool, error) {
	a, err := cs.store.Apply(ctx, us)
	if a.LinkErr != nil {
		cs.log.Warn("providers' ids of recipients not linked", "error", a.LinkErr)
	}
	if err != nil {
		cs.log.Error("callbacks not applied", "statuses", len(us), "error", err)
		return nil, err
	}
	out := make([]bool, len(us))
	for i := range out {
		out[i] = true
	}
	for _, i := range a.Unmatched {
		out[i] = false
	}
	for _, i := range a.Refused {
		u := &us[i]
		cs.log.Error("status can't be stored", "channel", u.Channel, "status", u.Status, "provider_id_bytes", len(u.ProviderID))
		cs.observer.CallbackRejected(u.Channel, "storage")
	}
	for _, f := range a.Failed {
		cs.observer.Failed(f.Channel, f.Code)
		cs.log.Info("message failed", "message_id", f.ID, "channel", f.Channel, "code", f.Code)
	}
	return out, nil
}
