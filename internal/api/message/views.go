package message

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// ViewStore reads messages by their ids.
type ViewStore interface {
	Views(ctx context.Context, ids []dispatch.ID) ([]dispatch.View, error)
}

// Views reads single messages; concurrent readers share a query.
type Views struct {
	store ViewStore
	batch *batch.Batcher[dispatch.ID, *dispatch.View]
}

// NewViews returns Views of a store.
func NewViews(s ViewStore) *Views {
	v := &Views{store: s}
	v.batch = batch.New(batch.Options{Max: 200, Queue: 10_000, Workers: 3, Timeout: 5 * time.Second}, v.read)
	return v
}

// Close waits for queries under way.
func (v *Views) Close(ctx context.Context) error { return v.batch.Close(ctx) }

// Find returns a message of any account, or nil if there is none.
func (v *Views) Find(ctx context.Context, id dispatch.ID) (*dispatch.View, error) {
	return v.batch.Do(ctx, id)
}

// Of returns a message of the account, or dispatch.ErrNotFound.
func (v *Views) Of(ctx context.Context, account int64, id dispatch.ID) (*dispatch.View, error) {
	m, err := v.batch.Do(ctx, id)
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	if m == nil || m.Account != account {
		return nil, dispatch.ErrNotFound
	}
	return m, nil
}

// For returns a message that the caller may see: a test key sees those of test
// keys only.
func (v *Views) For(ctx context.Context, who *accept.Caller, id dispatch.ID) (*dispatch.View, error) {
	m, err := v.Of(ctx, who.Account.ID, id)
	if err != nil {
		return nil, err
	}
	return m, who.RequireData(m.Test)
}

// read returns the messages in the order of ids, nil for each that does not
// exist.
func (v *Views) read(ctx context.Context, ids []dispatch.ID) ([]*dispatch.View, error) {
	vs, err := v.store.Views(ctx, ids)
	if err != nil {
		return nil, err
	}
	by := make(map[dispatch.ID]*dispatch.View, len(vs))
	for i := range vs {
		by[vs[i].ID] = &vs[i]
	}
	out := make([]*dispatch.View, len(ids))
	for i, id := range ids {
		out[i] = by[id]
	}
	return out, nil
}
