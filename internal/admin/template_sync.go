package admin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// TemplateSource is a provider that can list the templates of a channel.
type TemplateSource interface {
	Templates(ctx context.Context, ch *dispatch.Channel) ([]template.Template, error)
}

// syncTimeout is the most time that a provider gets to list its templates.
const syncTimeout = 60 * time.Second

// TemplateSync is the input of SyncTemplates.
type TemplateSync struct {
	Channel input.Raw `json:"channel" doc:"The channel's id or key."`
}

// Required lists the required fields.
func (*TemplateSync) Required() []string { return []string{"channel"} }

// SyncOf returns the input of a sync of the channel with the id or key.
func SyncOf(ref string) TemplateSync {
	raw, _ := json.Marshal(ref) // a string always encodes
	return TemplateSync{Channel: raw}
}

// TemplateCounts are the templates that a sync changed.
type TemplateCounts struct {
	Created  int `json:"created"`
	Updated  int `json:"updated"`
	Disabled int `json:"disabled" doc:"Templates that the provider no longer lists."`
}

// SyncTemplates makes the templates of a channel those that its provider lists.
// It returns dispatch.Overloaded if the provider does not answer.
func (s *Service) SyncTemplates(ctx context.Context, who Actor, in TemplateSync) (*TemplateCounts, error) {
	if who.Test {
		return nil, dispatch.Errorf(dispatch.Forbidden, "a test key makes no calls to providers: use a live key")
	}
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	ch, err := s.namedChannel(ctx, who.Account, in.Channel)
	if err != nil {
		return nil, err
	}
	if err := who.Faults.Err(); err != nil {
		return nil, err // without asking the provider
	}
	ts, err := s.listTemplates(ctx, ch)
	if err != nil {
		return nil, err
	}
	var v TemplateCounts
	err = s.change(ctx, who, func(tx Tx) (_ note, err error) {
		v.Created, v.Updated, v.Disabled, err = tx.SyncTemplates(ctx, who.Account, ch.ID, ts)
		return note{"template.sync", target("channel", ch.ID), v}, err
	})
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// listTemplates reads the templates of a channel from its provider.
func (s *Service) listTemplates(ctx context.Context, ch *dispatch.Channel) ([]template.Template, error) {
	source, ok := s.Providers[ch.Provider].(TemplateSource)
	if !ok {
		return nil, dispatch.InvalidField("/channel", "%s lists no templates; register them one by one", ch.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	ts, err := source.Templates(ctx, ch)
	if err != nil {
		return nil, sourceError(ch, err)
	}
	for i := range ts {
		ts[i].Normalize()
		if ts[i].Components == nil {
			ts[i].Components = []template.Component{}
		}
	}
	return ts, nil
}

// namedChannel finds a channel of the account by the id or key in raw.
func (s *Service) namedChannel(ctx context.Context, account int64, raw input.Raw) (*dispatch.Channel, error) {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			return nil, dispatch.InvalidField("/channel", "must be a channel's id or key")
		}
		name = n.String()
	}
	if name == "" {
		return nil, dispatch.InvalidField("/channel", "is required")
	}
	id, err := s.FindChannel(ctx, Actor{Account: account}, name)
	if err != nil {
		return nil, noSuchChannel(err)
	}
	ch, err := ownChannel(ctx, s.Store, account, id)
	return ch, noSuchChannel(err)
}

// noSuchChannel turns dispatch.NotFound into dispatch.ChannelNotFound at
// /channel.
func noSuchChannel(err error) error {
	if err == nil || dispatch.CodeOf(err) != dispatch.NotFound {
		return err
	}
	e := dispatch.InvalidField("/channel", "no such channel")
	e.Code = dispatch.ChannelNotFound
	return e
}

// sourceError words why a provider listed no templates: the client can correct
// what the provider refuses, anything else may pass.
func sourceError(ch *dispatch.Channel, err error) error {
	pe, ok := errors.AsType[*provider.Error](err)
	if ok && (pe.Kind == provider.Permanent || pe.Kind == provider.Denied) {
		e := dispatch.InvalidField("/channel", "%s refused to list templates: %s", ch.Provider, provider.Redact(ch, pe.Msg))
		e.Err = err
		return e
	}
	msg := ch.Provider + " did not list its templates; try again shortly"
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: msg, RetryAfter: 5, Err: err}
}
