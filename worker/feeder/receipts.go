package feeder

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Fetcher is a provider that can be asked for the status of a message.
type Fetcher interface {
	Fetch(ctx context.Context, ch *dispatch.Channel, providerID string) (dispatch.StatusUpdate, error)
}

// receiptStore finds messages whose callback seems lost.
type receiptStore interface {
	SentWithoutReceipt(ctx context.Context, channels []int64, from, to time.Time) ([]store.Unconfirmed, error)
}

// Accounts is the store of what people configure.
type Accounts interface {
	// Channels lists the channels of an account; 0: of all accounts.
	Channels(ctx context.Context, account int64) ([]dispatch.Channel, error)
}

const (
	// receiptPatience is how long a message may stay sent before its callback is
	// assumed lost.
	receiptPatience = 15 * time.Minute
	fetchEvery      = time.Minute
	fetchTimeout    = 5 * time.Second
)

// receipts fetches from providers the status of messages whose callbacks seem lost:
// once a minute, on one worker, for the messages sent receiptPatience ago.
func (f *Feeder) receipts(ctx context.Context) error {
	mine, err := f.Store.TakeJob(ctx, "receipts", fetchEvery)
	if err != nil || !mine {
		return err
	}
	channels, err := f.fetchable(ctx)
	if err != nil || len(channels) == 0 {
		return err
	}
	to := time.Now().Add(-receiptPatience)
	sent, err := f.Store.SentWithoutReceipt(ctx, channels, to.Add(-2*fetchEvery), to)
	if err != nil {
		return err
	}
	var us []dispatch.StatusUpdate
	for _, m := range sent {
		u, err := f.fetch(ctx, m)
		if err != nil {
			f.Log.Warn("status of a message not fetched", "message_id", m.ID, "error", err)
			continue
		}
		if u.Status > dispatch.Sent {
			us = append(us, u)
		}
	}
	if len(us) == 0 {
		return nil
	}
	a, err := f.Store.Apply(ctx, us)
	f.countFailed(a.Failed)
	return err
}

// fetch reads the status of one message from its provider.
func (f *Feeder) fetch(ctx context.Context, m store.Unconfirmed) (dispatch.StatusUpdate, error) {
	ch, err := f.Registry.Channel(ctx, m.Channel)
	if err != nil {
		return dispatch.StatusUpdate{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	u, err := f.Providers[ch.Provider].(Fetcher).Fetch(ctx, f.Target(ch, m.Test), m.ProviderID)
	u.ID, u.Channel = m.ID, m.Channel
	return u, err
}

// fetchable lists the channels whose provider is a Fetcher.
func (f *Feeder) fetchable(ctx context.Context) ([]int64, error) {
	all, err := f.Accounts.Channels(ctx, 0)
	var ids []int64
	for _, ch := range all {
		if _, ok := f.Providers[ch.Provider].(Fetcher); ok && !ch.Unreadable {
			ids = append(ids, ch.ID)
		}
	}
	return ids, err
}
