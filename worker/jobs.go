package worker

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Fetcher is a provider that can be asked what became of a message it took.
type Fetcher interface {
	Fetch(ctx context.Context, ch *dispatch.Channel, providerID string) (dispatch.StatusUpdate, error)
}

const (
	// A message that stays sent for so long has probably lost its callback.
	receiptPatience = 15 * time.Minute
	fetchEvery      = time.Minute
)

// receipts asks providers about messages whose callbacks seem lost; one worker
// does it, once a minute, for the minute that is receiptPatience ago.
func (w *Worker) receipts(ctx context.Context) error {
	mine, err := w.Store.TakeJob(ctx, "receipts", fetchEvery)
	if err != nil || !mine {
		return err
	}
	channels, err := w.fetchable(ctx)
	if err != nil || len(channels) == 0 {
		return err
	}
	to := time.Now().Add(-receiptPatience)
	sent, err := w.Store.SentWithoutReceipt(ctx, channels, to.Add(-2*fetchEvery), to)
	if err != nil {
		return err
	}
	var us []dispatch.StatusUpdate
	for _, m := range sent {
		ch, err := w.Registry.Channel(ctx, m.Channel)
		if err != nil {
			return err
		}
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		u, err := w.Providers[ch.Provider].(Fetcher).Fetch(call, w.target(ch, &dispatch.Message{Test: m.Test}), m.ProviderID)
		cancel()
		if err != nil {
			w.Log.Warn("provider could not say what became of a message", "message_id", m.ID, "error", err)
			continue
		}
		u.ID, u.Channel = m.ID, m.Channel
		if u.Status > dispatch.Sent {
			us = append(us, u)
		}
	}
	if len(us) == 0 {
		return nil
	}
	a, err := w.Store.Apply(ctx, us)
	w.count(a.Failed)
	return err
}

// fetchable lists the channels whose provider can be asked.
func (w *Worker) fetchable(ctx context.Context) ([]int64, error) {
	all, err := w.Accounts.Channels(ctx, 0)
	var ids []int64
	for _, ch := range all {
		if _, ok := w.Providers[ch.Provider].(Fetcher); ok {
			ids = append(ids, ch.ID)
		}
	}
	return ids, err
}

// prune drops what has served its time, once an hour on one worker.
func (w *Worker) prune(ctx context.Context) error {
	mine, err := w.Store.TakeJob(ctx, "prune", time.Hour)
	if err != nil || !mine {
		return err
	}
	return w.Store.Prune(ctx)
}
