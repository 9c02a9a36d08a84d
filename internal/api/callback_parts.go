package api

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// takeAll commits a callback: each part at the channel whose number it is about.
// It returns the kinds of what nothing was read from.
func (cs *callbacks) takeAll(ctx context.Context, at *dispatch.Channel, cb *provider.Callback) (unread []string, err error) {
	read := 0
	for _, part := range cb.Parts() {
		ch, err := cs.channelOf(ctx, part.Number, at)
		if err != nil {
			return nil, err
		}
		read += part.Read()
		unread = append(unread, part.Unread...)
		if ch == nil {
			unread = append(unread, otherNumber)
			continue
		}
		part.Hide(ch)
		if err := cs.take(ctx, ch, part); err != nil {
			return nil, err
		}
		cs.observer.Callback(ch.Provider, len(part.Statuses), len(part.Inbound))
	}
	if read == 0 && len(unread) == 0 {
		unread = []string{nothingKnown}
	}
	slices.Sort(unread)
	return slices.Compact(unread), nil
}

const (
	otherNumber  = "a number that no channel of the account has"
	nothingKnown = "no status or message that is known"
)

// channelOf returns the channel that has the number, at for the zero number, or
// nil if no channel has it.
func (cs *callbacks) channelOf(ctx context.Context, n provider.Number, at *dispatch.Channel) (*dispatch.Channel, error) {
	if n == (provider.Number{}) {
		return at, nil
	}
	all, err := cs.channels.Channels(ctx, at.Account)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(ch *dispatch.Channel) bool { return n.Of(ch, at) }); i >= 0 {
		return all[i], nil
	}
	if n.Exact {
		return nil, nil
	}
	return at, nil
}

// templateChanges returns what a part reports of templates, also by messages that
// failed because of them, which the provider may name by its own id alone.
func (cs *callbacks) templateChanges(ctx context.Context, p *provider.Part) ([]dispatch.TemplateChange, error) {
	out := p.Templates
	for i := range p.Statuses {
		u := &p.Statuses[i]
		c, ok := provider.RefusedTemplate(u.ID, u.ProviderCode, u.Detail)
		if !ok || u.Status != dispatch.Failed {
			continue
		}
		if c.Message == dispatch.NoID {
			var err error
			if c.Message, err = cs.store.FindMessage(ctx, *u); err != nil {
				return nil, err
			}
		}
		if c.Message != dispatch.NoID {
			out = append(out, c)
		}
	}
	return out, nil
}
