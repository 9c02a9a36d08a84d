package feeder

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/store"
)

// doubtStore holds the calls whose outcome is unknown.
type doubtStore interface {
	Doubtful(ctx context.Context) ([]store.Doubt, error)
	SettleDoubts(ctx context.Context, ids []dispatch.ID, retries []int) error
	Message(ctx context.Context, id dispatch.ID) (store.Claimed, error)
	ProviderIDTaken(ctx context.Context, channel int64, providerID string, but dispatch.ID) (bool, error)
	Apply(ctx context.Context, us []dispatch.StatusUpdate) (store.Applied, error)
}

// doubts settles unknown outcomes whose window is over: the provider is asked,
// if it can be; else, or if it has no such message, the channel's policy decides
// whether there is another attempt.
func (f *Feeder) doubts(ctx context.Context) error {
	ds, err := f.Store.Doubtful(ctx)
	if err != nil || len(ds) == 0 {
		return err
	}
	var plain, ask []doubt
	for _, d := range ds {
		ch, err := f.Registry.Channel(ctx, d.Channel)
		switch {
		case err != nil && dispatch.CodeOf(err) == dispatch.NotFound:
			plain = append(plain, doubt{d, &dispatch.Channel{}}) // deleted: no attempt is possible
		case err != nil || ch.Unreadable: // due again later
		case f.finder(ch) != nil:
			ask = append(ask, doubt{d, ch})
		default:
			plain = append(plain, doubt{d, ch})
		}
	}
	// Those without a question first: a provider that hangs must not delay them.
	return errors.Join(f.settle(ctx, plain), f.settle(ctx, f.notFound(ctx, ask)))
}

// doubt is an unknown outcome and the channel whose policy decides on it.
type doubt struct {
	store.Doubt
	ch *dispatch.Channel
}

const (
	// finders is the number of questions asked at the same time.
	finders = 16
	// findTime bounds all questions of a pass: Doubtful keeps other workers off
	// for longer. Messages that are not asked for come back.
	findTime = 25 * time.Second
	// findTimeout bounds one question.
	findTimeout = 5 * time.Second
)

// notFound queries the providers and returns the doubts that policy must decide.
func (f *Feeder) notFound(ctx context.Context, ds []doubt) []doubt {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	var wg sync.WaitGroup
	places := make(chan struct{}, finders)
	found := make([]bool, len(ds))
	for i, d := range ds {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			found[i] = ctx.Err() != nil || f.found(ctx, d)
		})
	}
	wg.Wait()
	var left []doubt
	for i, d := range ds {
		if !found[i] {
			left = append(left, d)
		}
	}
	return left
}

// settle applies the channels' policies.
func (f *Feeder) settle(ctx context.Context, ds []doubt) error {
	ids, retries := make([]dispatch.ID, len(ds)), make([]int, len(ds))
	for i, d := range ds {
		ids[i], retries[i] = d.ID, d.ch.Policy.UnknownRetries[d.Lane]
	}
	return f.Store.SettleDoubts(ctx, ids, retries)
}

// finder returns the channel's provider if it can be asked for a message.
func (f *Feeder) finder(ch *dispatch.Channel) provider.Finder {
	finder, _ := f.Providers[ch.Provider].(provider.Finder)
	return finder
}

// found looks a message up at the provider. It returns true if policy must not
// decide: the message was found and is settled, or Postgres did not answer and
// the message is asked for again.
func (f *Feeder) found(ctx context.Context, d doubt) bool {
	c, err := f.Store.Message(ctx, d.ID)
	if err != nil {
		return true
	}
	m := &dispatch.Message{ID: c.ID, Account: c.Account, Channel: c.Channel, To: c.To, Test: c.Test, CreatedAt: c.CreatedAt, SendAt: c.Since}
	if json.Unmarshal([]byte(c.Content), &m.Content) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	to := f.Target(d.ch, m.Test)
	u, exists, err := f.finder(d.ch).Find(ctx, to, m)
	if err != nil {
		f.Log.Warn("provider not able to look a message up", "message_id", d.ID, "error", err)
		return false
	}
	if !exists {
		return false
	}
	if taken, err := f.Store.ProviderIDTaken(ctx, d.ch.ID, u.ProviderID, d.ID); err != nil || taken {
		return err != nil // taken: it is another message, ours was not found
	}
	u.ID, u.Channel = d.ID, d.ch.ID
	a, err := f.Store.Apply(ctx, []dispatch.StatusUpdate{u})
	if err != nil {
		f.Log.Warn("found message not settled yet", "message_id", d.ID, "error", err)
	}
	f.countFailed(a.Failed)
	return true
}
