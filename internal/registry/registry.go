// Package registry caches what people configure: keys, accounts, channels,
// templates, circuits. It polls the database four times a second for changes,
// and reads from the database while it cannot poll: no process acts on a state
// older than a second, with or without Redis.
package registry

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/erasure"
)

const (
	pollEvery = 250 * time.Millisecond
	// trustFor is how long the cache is used after a poll began. Together with
	// pollEvery it stays below the second within which a change must count.
	trustFor = 700 * time.Millisecond
	// maxEntries bounds each cache, and maxMissing what it remembers as missing:
	// guessed keys must neither fill the memory nor push out those that exist.
	maxEntries = 50_000
	maxMissing = 10_000
)

// Accounts is the store of what people configure.
type Accounts interface {
	// ConfigVersion returns a number that changes with every change, and the migration up
	// to which everything is contracted.
	ConfigVersion(ctx context.Context) (version int64, contracted int, err error)
	KeyByHash(ctx context.Context, hash []byte) (account.Key, error)
	Account(ctx context.Context, id int64) (account.Account, error)
	Channel(ctx context.Context, id int64) (dispatch.Channel, error)
	ChannelByKey(ctx context.Context, key string) (dispatch.Channel, error)
	Channels(ctx context.Context, account int64) ([]dispatch.Channel, error)
	Users(ctx context.Context, account int64) ([]dispatch.User, error)
	Templates(ctx context.Context, account int64) ([]template.Template, error)
	ErasedOptOuts(ctx context.Context, account int64) (*erasure.OptOuts, error)
}

// Circuits holds the circuits of channels.
type Circuits interface {
	// OpenCircuits lists the circuits that are not closed.
	OpenCircuits(ctx context.Context) ([]store.Health, error)
}

// Registry is the cache.
type Registry struct {
	store      Accounts
	states     Circuits
	log        *slog.Logger
	styles     map[string]template.Style // by vendor
	version    int64
	contracted atomic.Int64
	failing    bool // the last poll failed: one line an outage
	made       time.Time
	checked    atomic.Int64 // when the newest good poll began, in nanoseconds after made; 0: never
	epoch      atomic.Int64 // grows when the caches are emptied
	keys       cache[[32]byte, account.Key]
	byID       cache[int64, account.Account]
	channels   cache[int64, *dispatch.Channel]
	byKey      cache[string, *dispatch.Channel]
	byAccount  cache[int64, []*dispatch.Channel]
	templates  cache[int64, *Templates]
	users      cache[int64, []dispatch.User]
	circuits   cache[struct{}, map[int64]store.Health]
	erased     cache[int64, *erasure.OptOuts]
}

// New returns an empty registry; Run keeps it fresh. styles are the template
// styles by vendor.
func New(accounts Accounts, circuits Circuits, styles map[string]template.Style, log *slog.Logger) *Registry {
	return &Registry{store: accounts, states: circuits, styles: styles, log: log, made: time.Now()}
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
	v, contracted, err := r.store.ConfigVersion(ctx)
	if err != nil {
		if ctx.Err() == nil && !r.failing {
			r.log.Warn("configuration poll failed", "error", err)
		}
		r.failing = true
		return
	}
	r.failing = false
	if v != r.version {
		r.version = v
		r.Drop()
	}
	r.contracted.Store(int64(contracted))
	r.checked.Store(max(1, int64(began.Sub(r.made))))
}

// Drop empties the caches. A process that has changed something calls it.
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
	r.erased.clear()
}

// Contracted returns the migration up to which no binary runs any more that does not know
// it, 0 while the database does not say so.
func (r *Registry) Contracted() int {
	if !r.fresh() {
		return 0
	}
	return int(r.contracted.Load())
}

func (r *Registry) fresh() bool {
	checked := r.checked.Load()
	return checked != 0 && time.Since(r.made)-time.Duration(checked) < trustFor
}

// Key returns a key by the hash of its secret. It returns NotFound for an unknown
// one, as do the others.
func (r *Registry) Key(ctx context.Context, hash [32]byte) (account.Key, error) {
	return get(ctx, r, &r.keys, hash, func(ctx context.Context) (account.Key, error) {
		h := hash // so that only a look-up allocates it
		return r.store.KeyByHash(ctx, h[:])
	})
}

// Account returns an account.
func (r *Registry) Account(ctx context.Context, id int64) (account.Account, error) {
	return get(ctx, r, &r.byID, id, func(ctx context.Context) (account.Account, error) { return r.store.Account(ctx, id) })
}

// Channel returns a channel by id, of any account.
func (r *Registry) Channel(ctx context.Context, id int64) (*dispatch.Channel, error) {
	return get(ctx, r, &r.channels, id, func(ctx context.Context) (*dispatch.Channel, error) {
		c, err := r.store.Channel(ctx, id)
		return &c, err
	})
}

// ChannelByKey returns a channel by its key, of any account.
func (r *Registry) ChannelByKey(ctx context.Context, key string) (*dispatch.Channel, error) {
	return get(ctx, r, &r.byKey, key, func(ctx context.Context) (*dispatch.Channel, error) {
		c, err := r.store.ChannelByKey(ctx, key)
		return &c, err
	})
}

// Channels lists an account's channels.
func (r *Registry) Channels(ctx context.Context, account int64) ([]*dispatch.Channel, error) {
	return get(ctx, r, &r.byAccount, account, func(ctx context.Context) ([]*dispatch.Channel, error) {
		cs, err := r.store.Channels(ctx, account)
		out := make([]*dispatch.Channel, len(cs))
		for i := range cs {
			out[i] = &cs[i]
		}
		return out, err
	})
}

// Users lists an account's team.
func (r *Registry) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	return get(ctx, r, &r.users, account, func(ctx context.Context) ([]dispatch.User, error) { return r.store.Users(ctx, account) })
}

// ErasedOptOuts returns the opt-outs of an account's erased persons.
func (r *Registry) ErasedOptOuts(ctx context.Context, account int64) (*erasure.OptOuts, error) {
	return get(ctx, r, &r.erased, account, func(ctx context.Context) (*erasure.OptOuts, error) { return r.store.ErasedOptOuts(ctx, account) })
}

// OpenCircuits returns the circuits that are not closed, by channel.
func (r *Registry) OpenCircuits(ctx context.Context) (map[int64]store.Health, error) {
	return get(ctx, r, &r.circuits, struct{}{}, func(ctx context.Context) (map[int64]store.Health, error) {
		hs, err := r.states.OpenCircuits(ctx)
		out := make(map[int64]store.Health, len(hs))
		for _, h := range hs {
			out[h.Channel] = h
		}
		return out, err
	})
}

// Templates returns an account's templates.
func (r *Registry) Templates(ctx context.Context, account int64) (*Templates, error) {
	return get(ctx, r, &r.templates, account, func(ctx context.Context) (*Templates, error) {
		ts, err := r.store.Templates(ctx, account)
		return newTemplates(ts, r.styles), err
	})
}

var errNoName = errors.New("no name")

// FindChannel returns the channel of the account that a draft names; with an
// empty name, the default channel. It returns ChannelNotFound if there is none.
func (r *Registry) FindChannel(
	ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string,
) (*dispatch.Channel, error) {
	cs, err := r.Channels(ctx, account)
	if err != nil {
		return nil, err
	}
	id, numErr := int64(0), errNoName
	if name != "" {
		id, numErr = strconv.ParseInt(name, 10, 64)
	}
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
		return otherKind, nil // the caller compares the kind
	}
	if name == "" {
		return nil, dispatch.Errorf(dispatch.ChannelNotFound, "the account has no default channel; name one or create one")
	}
	return nil, &dispatch.Error{
		Code: dispatch.ChannelNotFound, Msg: "no such channel", Faults: []dispatch.Fault{{Field: "/channel", Msg: "no such channel"}},
	}
}

// get returns the value of k from the cache while the poll is fresh, else from
// the database.
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
		if r.epoch.Load() != epoch { // emptied in between: v may be old
			c.clear()
		}
	}
	return v, err
}

type entry[V any] struct {
	v   V
	err error
}

// cache is a bounded map, of what exists and of what is missing; a full one is
// emptied.
type cache[K comparable, V any] struct {
	mu      sync.RWMutex
	m       map[K]entry[V]
	missing map[K]entry[V]
}

func (c *cache[K, V]) get(k K) (entry[V], bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.m[k]
	if !ok {
		e, ok = c.missing[k]
	}
	return e, ok
}

func (c *cache[K, V]) put(k K, e entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	into, most := &c.m, maxEntries
	if e.err != nil {
		into, most = &c.missing, maxMissing
	}
	if *into == nil || len(*into) >= most {
		*into = map[K]entry[V]{}
	}
	(*into)[k] = e
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.missing = nil, nil
}
