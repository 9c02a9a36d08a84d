// Package registry keeps what people configure (keys, accounts, channels,
// templates, circuits) at hand. It asks the database four times a second
// whether anything changed, and reads through when it could not ask: no process
// acts on a state older than a second, with or without Redis.
package registry

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

const (
	pollEvery = 250 * time.Millisecond
	// trustFor is how long an answer of the poll is believed. With pollEvery it
	// stays below the second that SPEC 5 allows.
	trustFor = 700 * time.Millisecond
	// maxEntries bounds each cache: unknown keys are remembered too, and guesses
	// must not fill the memory.
	maxEntries = 50_000
)

// Registry is the cache.
type Registry struct {
	accounts  *account.Store
	messages  *store.Store
	log       *slog.Logger
	styles    map[string]template.Style // by vendor
	version   int64
	checked   atomic.Int64 // when the newest good poll began, in unix nanoseconds
	epoch     atomic.Int64 // grows when the caches are emptied
	keys      cache[[32]byte, account.Key]
	byID      cache[int64, account.Account]
	channels  cache[int64, *dispatch.Channel]
	byKey     cache[string, *dispatch.Channel]
	byAccount cache[int64, []*dispatch.Channel]
	templates cache[int64, *Templates]
	users     cache[int64, []dispatch.User]
	circuits  cache[struct{}, map[int64]store.Health]
}

// New returns an empty registry; Run keeps it fresh. styles are the template
// styles by vendor.
func New(accounts *account.Store, messages *store.Store, styles map[string]template.Style, log *slog.Logger) *Registry {
	return &Registry{accounts: accounts, messages: messages, styles: styles, log: log}
}

// Run polls until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		r.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Registry) poll(ctx context.Context) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	v, err := r.accounts.ConfigVersion(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("configuration poll failed", "error", err)
		}
		return
	}
	if v != r.version {
		r.version = v
		r.Drop()
	}
	r.checked.Store(began.UnixNano())
}

// Drop empties the caches, for a process that has just changed something.
func (r *Registry) Drop() {
	r.epoch.Add(1)
	r.keys.clear()
	r.byID.clear()
	r.channels.clear()
	r.byKey.clear()
	r.byAccount.clear()
	r.templates.clear()
	r.users.clear()
	r.circuits.clear()
}

func (r *Registry) fresh() bool { return time.Since(time.Unix(0, r.checked.Load())) < trustFor }

// Key finds a key by the hash of its secret.
func (r *Registry) Key(ctx context.Context, hash [32]byte) (account.Key, error) {
	return get(ctx, r, &r.keys, hash, func(ctx context.Context) (account.Key, error) { return r.accounts.KeyByHash(ctx, hash[:]) })
}

// Account finds an account.
func (r *Registry) Account(ctx context.Context, id int64) (account.Account, error) {
	return get(ctx, r, &r.byID, id, func(ctx context.Context) (account.Account, error) { return r.accounts.Account(ctx, id) })
}

// Channel finds a channel by id, of any account.
func (r *Registry) Channel(ctx context.Context, id int64) (*dispatch.Channel, error) {
	return get(ctx, r, &r.channels, id, func(ctx context.Context) (*dispatch.Channel, error) {
		c, err := r.accounts.Channel(ctx, id)
		return &c, err
	})
}

// ChannelByKey finds a channel by key, of any account.
func (r *Registry) ChannelByKey(ctx context.Context, key string) (*dispatch.Channel, error) {
	return get(ctx, r, &r.byKey, key, func(ctx context.Context) (*dispatch.Channel, error) {
		c, err := r.accounts.ChannelByKey(ctx, key)
		return &c, err
	})
}

// Channels lists an account's channels.
func (r *Registry) Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error) {
	return get(ctx, r, &r.byAccount, account, func(ctx context.Context) ([]*dispatch.Channel, error) {
		cs, err := r.accounts.Channels(ctx, account)
		out := make([]*dispatch.Channel, len(cs))
		for i := range cs {
			out[i] = &cs[i]
		}
		return out, err
	})
}

// Users lists an account's team.
func (r *Registry) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	return get(ctx, r, &r.users, account, func(ctx context.Context) ([]dispatch.User, error) { return r.accounts.Users(ctx, account) })
}

// OpenCircuits returns the circuits that are not closed, by channel.
func (r *Registry) OpenCircuits(ctx context.Context) (map[int64]store.Health, error) {
	return get(ctx, r, &r.circuits, struct{}{}, func(ctx context.Context) (map[int64]store.Health, error) {
		hs, err := r.messages.Troubled(ctx)
		out := make(map[int64]store.Health, len(hs))
		for _, h := range hs {
			out[h.Channel] = h
		}
		return out, err
	})
}

// Templates gives an account's templates.
func (r *Registry) Templates(ctx context.Context, account int64) (*Templates, error) {
	return get(ctx, r, &r.templates, account, func(ctx context.Context) (*Templates, error) {
		ts, err := r.accounts.Templates(ctx, account)
		return newTemplates(ts, r.styles), err
	})
}

// FindChannel resolves how a draft names its channel, within the account; an
// empty name is the default channel.
func (r *Registry) FindChannel(ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string) (*dispatch.Channel, error) {
	cs, err := r.Channels(ctx, account)
	if err != nil {
		return nil, err
	}
	id, numErr := strconv.ParseInt(name, 10, 64)
	var otherKind *dispatch.Channel // the sender exists, but as a channel of another kind
	for _, c := range cs {
		if kind != "" && c.Kind != kind && by == dispatch.BySender {
			if c.Sender == name || c.Sender == "+"+name {
				otherKind = c
			}
			continue
		}
		switch {
		case name == "":
			if c.Default {
				return c, nil
			}
		case by != dispatch.BySender && c.Key == name,
			by == dispatch.BySender && (c.Sender == name || c.Sender == "+"+name || (c.Sender != "" && c.Settings["messaging_service_sid"] == name)),
			by == dispatch.ByPhoneNumberID && c.Settings["phone_number_id"] == name,
			(by == dispatch.ByIDOrKey || by == dispatch.ByPhoneNumberID) && numErr == nil && c.ID == id:
			return c, nil
		}
	}
	if otherKind != nil {
		return otherKind, nil // the caller sees the kind and says so
	}
	if name == "" {
		return nil, dispatch.Errorf(dispatch.ChannelNotFound, "the account has no default channel; name one or create one")
	}
	return nil, &dispatch.Error{Code: dispatch.ChannelNotFound, Msg: "no such channel", Faults: []dispatch.Fault{{Field: "/channel", Msg: "no such channel"}}}
}

// get answers from the cache while the poll is fresh, else from the database.
func get[K comparable, V any](ctx context.Context, r *Registry, c *cache[K, V], k K, load func(context.Context) (V, error)) (V, error) {
	if r.fresh() {
		if e, ok := c.get(k); ok {
			return e.v, e.err
		}
	}
	epoch := r.epoch.Load()
	v, err := load(ctx)
	if err != nil && dispatch.CodeOf(err) != dispatch.NotFound {
		return v, err
	}
	if r.epoch.Load() == epoch {
		c.put(k, entry[V]{v, err})
		if r.epoch.Load() != epoch { // emptied in between: what we read may be old
			c.clear()
		}
	}
	return v, err
}

type entry[V any] struct {
	v   V
	err error
}

// cache is a bounded map; a full one starts over.
type cache[K comparable, V any] struct {
	mu sync.RWMutex
	m  map[K]entry[V]
}

func (c *cache[K, V]) get(k K) (entry[V], bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.m[k]
	return e, ok
}

func (c *cache[K, V]) put(k K, e entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxEntries {
		c.m = map[K]entry[V]{}
	}
	c.m[k] = e
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m = nil
}
