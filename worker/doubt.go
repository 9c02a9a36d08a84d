package worker

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

// doubts settles unknown outcomes whose window is over: first the provider is
// asked, where it can be; then the channel's policy allows another try or not.
func (w *Worker) doubts(ctx context.Context) error {
	ds, err := w.Store.Doubtful(ctx)
	if err != nil || len(ds) == 0 {
		return err
	}
	var plain, ask []doubt
	for _, d := range ds {
		ch, err := w.Registry.Channel(ctx, d.Channel)
		switch {
		case err != nil && dispatch.CodeOf(err) == dispatch.NotFound:
			plain = append(plain, doubt{d, &dispatch.Channel{}}) // nothing to try again with
		case err != nil: // its wake_at brings it back
		case w.finder(ch) != nil:
			ask = append(ask, doubt{d, ch})
		default:
			plain = append(plain, doubt{d, ch})
		}
	}
	// First those that need no answer: a provider that hangs holds nobody else up.
	return errors.Join(w.settle(ctx, plain), w.settle(ctx, w.notFound(ctx, ask)))
}

// doubt is an unknown outcome and the channel whose policy decides on it.
type doubt struct {
	store.Doubt
	ch *dispatch.Channel
}

// The bounds of asking: so many questions at a time, and no longer in all than
// Doubtful keeps other workers off. What is not asked comes back.
const (
	askers  = 16
	askTime = 25 * time.Second
)

// notFound asks the providers and gives those whose policy is to decide.
func (w *Worker) notFound(ctx context.Context, ds []doubt) []doubt {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var wg sync.WaitGroup
	sem := make(chan struct{}, askers)
	found := make([]bool, len(ds))
	for i, d := range ds {
		sem <- struct{}{}
		wg.Go(func() {
			defer func() { <-sem }()
			found[i] = ctx.Err() != nil || w.found(ctx, d.ch, d.Doubt)
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

// settle lets the channels' policies decide.
func (w *Worker) settle(ctx context.Context, ds []doubt) error {
	ids, retries := make([]dispatch.ID, len(ds)), make([]int, len(ds))
	for i, d := range ds {
		ids[i], retries[i] = d.ID, d.ch.Policy.UnknownRetries[d.Lane]
	}
	return w.Store.SettleDoubts(ctx, ids, retries)
}

func (w *Worker) finder(ch *dispatch.Channel) provider.Finder {
	f, _ := w.Providers[ch.Provider].(provider.Finder)
	return f
}

// found asks the provider for a message of which we don't know whether it
// arrived. True keeps policy's hands off it: it was found and settled, or the
// provider could not say and is asked again.
func (w *Worker) found(ctx context.Context, ch *dispatch.Channel, d store.Doubt) bool {
	f := w.finder(ch)
	c, err := w.Store.Message(ctx, d.ID)
	if err != nil {
		return true
	}
	m := &dispatch.Message{ID: c.ID, Account: c.Account, Channel: c.Channel, To: c.To, Test: c.Test, CreatedAt: c.CreatedAt, SendAt: c.DueAt}
	if json.Unmarshal([]byte(c.Content), &m.Content) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	to := w.target(ch, m)
	u, yes, err := f.Find(ctx, to, m, to.Settings["callback_url"])
	if err != nil {
		w.Log.Warn("provider could not say whether it has a message", "message_id", d.ID, "error", err)
		return false
	}
	if !yes {
		return false
	}
	if taken, err := w.Store.ProviderIDTaken(ctx, ch.ID, u.ProviderID, d.ID); err != nil || taken {
		return err != nil // another message's: ours was not found
	}
	u.ID, u.Channel = d.ID, ch.ID
	a, err := w.Store.Apply(ctx, []dispatch.StatusUpdate{u})
	if err != nil {
		w.Log.Warn("found message not settled yet", "message_id", d.ID, "error", err)
	}
	w.count(a.Failed)
	return true
}
