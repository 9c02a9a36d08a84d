package worker

import (
	"context"
	"encoding/json"
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
	var ids []dispatch.ID
	var retries []int
	for _, d := range ds {
		ch, err := w.Registry.Channel(ctx, d.Channel)
		if err != nil {
			continue // its wake_at brings it back
		}
		if w.found(ctx, ch, d) {
			continue
		}
		ids, retries = append(ids, d.ID), append(retries, ch.Policy.UnknownRetries[d.Lane])
	}
	return w.Store.SettleDoubts(ctx, ids, retries)
}

// found asks the provider for a message of which we don't know whether it
// arrived. True keeps policy's hands off it: it was found and settled, or the
// provider could not say and is asked again.
func (w *Worker) found(ctx context.Context, ch *dispatch.Channel, d store.Doubt) bool {
	f, ok := w.Providers[ch.Provider].(provider.Finder)
	if !ok {
		return false
	}
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
	if _, err := w.Store.ApplyStatuses(ctx, []dispatch.StatusUpdate{u}); err != nil {
		w.Log.Warn("found message not settled yet", "message_id", d.ID, "error", err)
	}
	return true
}
