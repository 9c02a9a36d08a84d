package limit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
)

//go:embed channel.lua
var channelLua string

var channelScript = redis.NewScript(channelLua)

// longestBlock bounds what a provider's Retry-After may do to a channel: a
// garbled one must not silence it for a day.
const longestBlock = 15 * time.Minute

// Ahead is how far ahead lanes other than otp may book.
const Ahead = near * time.Microsecond

// horizons are how far ahead the lanes may book: bulk and normal only what
// starts at once, so that otp, which books the next free slot, waits for no
// more than that of theirs. (A worker that has calls of theirs exchanges the slots.)
var horizons = [...]time.Duration{
	dispatch.OTP:    2 * time.Second,
	dispatch.Normal: Ahead,
	dispatch.Bulk:   Ahead,
}

// Channels limits each channel to its rate over all workers.
type Channels struct {
	link
	workers func() int

	mu     sync.Mutex
	locals map[int64]*localChannel
}

// localChannel is the state of a channel in this process: its schedule without
// Redis, which follows what was last booked in Redis.
type localChannel struct {
	slots
	alone bool               // booked here since Redis last answered
	until map[string]float64 // by recipient: leave alone before
}

// ChannelOptions are the callbacks of Channels. Each may be nil.
type ChannelOptions struct {
	Prefix  Prefix      // of each key in Redis
	Workers func() int  // how many workers share a rate while Redis is away; 1
	Lost    func(error) // Redis failed; called once each time it goes away
	Local   func()      // a call was answered without Redis; for a metric
}

// NewChannels returns the limiter of a worker.
func NewChannels(rdb redis.UniversalClient, opts ChannelOptions) *Channels {
	c := &Channels{workers: opts.Workers, locals: map[int64]*localChannel{}}
	if c.workers == nil {
		c.workers = func() int { return 1 }
	}
	c.open(rdb, opts.Prefix, opts.Lost, opts.Local)
	return c
}

// Grant is a run of slots: send i starts First + i*Interval after now.
type Grant struct {
	N        int
	First    time.Duration
	Interval time.Duration // below a millisecond for a fast channel: start several at a time
	Wait     time.Duration // when N is less than asked for: ask again for the rest after it; 0: now
}

// PerSecond returns the rate of slots that are an interval apart, in messages a second.
func PerSecond(interval time.Duration) float64 {
	return slack * float64(time.Second) / float64(interval)
}

// Reserve books up to n slots in a row for sends of one lane. rate is the
// configured one, in messages a second; throttling may have left less of it.
// A booked slot that isn't used is lost, and that is cheap: never wait for a
// slot with a claim in hand.
func (c *Channels) Reserve(ctx context.Context, ch int64, lane dispatch.Lane, n int, rate float64) (Grant, error) {
	if n < 1 || rate <= 0 {
		return Grant{Wait: time.Second}, nil
	}
	horizon, otp := float64(horizons[lane].Microseconds()), lane == dispatch.OTP
	floor, alone := c.cursor(ch)
	got, err := c.run(ctx, channelScript, []string{channelKey(ch)}, "reserve", c.clock(), slack,
		rate, n, horizon, otp, near, floor, alone)
	switch {
	case errors.Is(err, errAway):
		return c.reserveAlone(ch, rate, n, horizon, otp), nil
	case err != nil:
		return Grant{}, fmt.Errorf("reserve slots: %w", err)
	case len(got) != 4:
		return Grant{}, fmt.Errorf("reserve slots: redis gave %d values", len(got))
	}
	g := Grant{N: int(got[0]), First: micro(got[1]), Interval: time.Duration(got[2]), Wait: micro(got[3])}
	c.follow(ch, g)
	return g, nil
}

// cursor returns how far ahead the channel is booked as far as this process has
// seen, and whether Redis has missed that because it was away.
func (c *Channels) cursor(ch int64) (floor float64, alone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.channel(ch)
	return max(0, math.Ceil(l.next-c.micros())), l.alone
}

// follow stores what Redis has booked: the local limiter continues from there.
func (c *Channels) follow(ch int64, g Grant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.channel(ch)
	l.alone = false
	if g.N > 0 {
		end := g.First + time.Duration(g.N)*g.Interval
		l.next = max(l.next, c.micros()+float64(end.Microseconds()))
	}
}

func (c *Channels) reserveAlone(ch int64, rate float64, n int, horizon float64, otp bool) Grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.channel(ch)
	l.alone = true
	s := l.reserve(c.micros(), c.share(rate), float64(n), horizon, otp, 0, false)
	return Grant{N: s.n, First: micro(int64(s.first)), Interval: time.Duration(s.step * 1000), Wait: micro(int64(s.wait))}
}

// share returns this worker's part of a rate while Redis is away.
func (c *Channels) share(rate float64) float64 { return rate / float64(max(1, c.workers())) }

// Throttled reports that the provider refused a send as too fast. The channel's
// rate is cut by 30 %, at most once in retryAfter, or in a second if that is
// longer; it comes back by 5 % of the configured rate a second. With block,
// which is for a pause of the whole provider account, nothing is booked before
// retryAfter has passed.
func (c *Channels) Throttled(ctx context.Context, ch int64, retryAfter time.Duration, block bool) error {
	retry := float64(min(max(0, retryAfter), longestBlock).Microseconds())
	c.mu.Lock()
	c.channel(ch).throttle(c.micros(), retry, block)
	c.mu.Unlock()
	_, err := c.run(ctx, channelScript, []string{channelKey(ch)}, "throttle", c.clock(), slack, retry, block)
	if err != nil && !errors.Is(err, errAway) {
		return fmt.Errorf("slow channel down: %w", err)
	}
	return nil
}

// ChannelState is what a channel may send at present.
type ChannelState struct {
	EffectiveRate float64       // messages a second
	BlockedUntil  time.Time     // zero: not blocked
	Booked        time.Duration // until the next free slot
}

// State returns the present state of a channel. rate is the configured one, in
// messages a second.
func (c *Channels) State(ctx context.Context, ch int64, rate float64) (ChannelState, error) {
	got, err := c.run(ctx, channelScript, []string{channelKey(ch)}, "state", c.clock(), slack)
	var share, blocked, booked float64
	switch {
	case errors.Is(err, errAway):
		c.mu.Lock()
		l, now := c.channel(ch), c.micros()
		share, blocked, booked = l.share(now), max(0, l.blk-now), max(0, l.next-now)
		c.mu.Unlock()
	case err != nil:
		return ChannelState{}, fmt.Errorf("read channel state: %w", err)
	case len(got) != 3:
		return ChannelState{}, fmt.Errorf("read channel state: redis gave %d values", len(got))
	default:
		share, blocked, booked = float64(got[0])/1e6, float64(got[1]), float64(got[2])
	}
	s := ChannelState{EffectiveRate: rate * share, Booked: micro(int64(booked))}
	if blocked > 0 {
		s.BlockedUntil = time.Now().Add(micro(int64(blocked)))
	}
	return s, nil
}

// FeedAsk is a request to put messages of a channel into the queue.
type FeedAsk struct {
	Channel int64
	Rate    float64 // the configured one
	Want    int     // at most so many
}

// Feed returns for each ask the number of messages that its feeder may offer now,
// and counts them as offered. All feeders together get a channel's rate and, after
// a pause, up to a second and a half of it at once: enough to keep the workers
// busy, too little to make a backlog in Redis. A blocked channel gets nothing.
func (c *Channels) Feed(ctx context.Context, asks []FeedAsk) ([]int, error) {
	if len(asks) == 0 {
		return nil, nil
	}
	keys, ends, args := make([]string, len(asks)), make([]int, len(asks)), make([]any, 0, 2*len(asks))
	for i, a := range asks {
		keys[i], ends[i] = channelKey(a.Channel), i+1
		args = append(args, max(0, a.Rate), max(0, a.Want))
	}
	got, err := c.runKeys(ctx, channelScript, keys, ends, []any{"feed", c.clock(), slack}, 2, args)
	counts := make([]int, len(asks))
	switch {
	case errors.Is(err, errAway):
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, a := range asks {
			counts[i] = int(c.channel(a.Channel).feed(c.micros(), c.share(max(0, a.Rate)), float64(max(0, a.Want))))
		}
		return counts, nil
	case err != nil:
		return nil, fmt.Errorf("take feed tokens: %w", err)
	case len(got) != len(asks):
		return nil, fmt.Errorf("take feed tokens: redis gave %d values for %d channels", len(got), len(asks))
	}
	for i, n := range got {
		counts[i] = int(n)
	}
	return counts, nil
}

// channel returns the local state of a channel; the caller holds mu. There is one
// for each channel that was ever used, which configuration bounds.
func (c *Channels) channel(id int64) *localChannel {
	l, ok := c.locals[id]
	if !ok {
		l = &localChannel{slots: *newSlots(), until: map[string]float64{}}
		c.locals[id] = l
	}
	return l
}

// channelKey returns the name of a channel's keys. Its hash tag keeps them on one
// server of a Redis Cluster.
func channelKey(ch int64) string { return fmt.Sprintf("{ch:%d}:rate", ch) }

func micro(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
