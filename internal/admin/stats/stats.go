// Package stats holds the figures of the dashboard's overview.
package stats

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/dispatch"
	store "github.com/sendoff/sendoff/internal/store/stats"
)

const (
	// fresh and oldest are how long figures are served again at least and at most:
	// many dashboards cost one read, and reads a two hundredth of the time (share).
	fresh, oldest, share = 2 * time.Second, 15 * time.Second, 200
	// slowest is how long the reads of one answer may take.
	slowest = 2 * time.Second
)

// Store reads figures.
type Store interface {
	Counts(ctx context.Context, account int64) (store.Counts, error)
	Waiting(ctx context.Context, channels []int64) (n int, oldestAge *float64, err error)
	Series(ctx context.Context, account int64, edges []time.Time) ([]store.Bucket, error)
	Count(ctx context.Context, account int64, from, to time.Time) (int, error)
	Recent(ctx context.Context, account int64, since time.Time) (good, bad int, failures []store.Failure, err error)
}

// Channels lists the channels of an account.
type Channels interface {
	Channels(ctx context.Context, who admin.Actor, p admin.Paging) (admin.Page[*admin.Channel], error)
}

// Service computes figures.
type Service struct {
	store    Store
	channels Channels
	mu       sync.Mutex
	kept     map[key]*kept
}

type key struct {
	account int64
	span    string
}

// kept are the figures of an account, or why there are none, which one request at
// a time reads.
type kept struct {
	turn  chan struct{}
	until time.Time
	stats *Stats
	err   error
	// counts are how many messages the sampled buckets have that are over, by their beginning.
	counts map[time.Time]int
}

// New returns a Service.
func New(s Store, c Channels) *Service { return &Service{store: s, channels: c, kept: map[key]*kept{}} }

// Stats are the figures of an account.
type Stats struct {
	Range         string         `json:"range" enum:"hour,day,month"`
	TotalKeys     int            `json:"total_keys"`
	ActiveKeys    int            `json:"active_keys"`
	CallsToday    int64          `json:"calls_today" doc:"Requests with API keys in the UTC day, reads included."`
	Templates     int            `json:"templates_configured"`
	MessagesToday int64          `json:"messages_today" doc:"Messages that keys were charged for in the UTC day."`
	SuccessRate   *float64       `json:"success_rate" doc:"Share of the newest ended messages that was sent. Null: none has ended."`
	Waiting       int            `json:"waiting" doc:"At most 100,000."`
	WaitingMore   bool           `json:"waiting_more" doc:"More messages wait than waiting says."`
	OldestWaiting *float64       `json:"oldest_waiting_seconds" doc:"The age of the oldest message that is due. Null: none is."`
	Series        []Point        `json:"series"`
	Failures      []FailureGroup `json:"failures" doc:"The failed among the newest messages of the range, by channel and code."`
	Channels      []ChannelState `json:"channels"`
}

// Point is a period of a chart.
type Point struct {
	At        time.Time `json:"at"`
	Seconds   int       `json:"seconds"`
	PerSecond float64   `json:"per_second" doc:"Accepted messages per second, estimated from a sample if there are many."`
	Failed    float64   `json:"failed_share" doc:"The share of the messages that have failed, expired or are unknown."`
	P50       *float64  `json:"p50_ms" doc:"From accept to sent."`
	P99       *float64  `json:"p99_ms"`
}

// FailureGroup is a group of failed messages.
type FailureGroup struct {
	Channel int64     `json:"channel_id"`
	Code    string    `json:"code"`
	Count   int       `json:"count"`
	Last    time.Time `json:"last_at"`
}

// ChannelState is a channel's state.
type ChannelState struct {
	ID       int64           `json:"id"`
	Name     string          `json:"name"`
	Provider string          `json:"provider"`
	Kind     string          `json:"kind"`
	Sender   string          `json:"sender"`
	Enabled  bool            `json:"enabled"`
	Health   admin.Health    `json:"health"`
	SendRate *admin.SendRate `json:"send_rate,omitempty"`
}

// spans are the ranges: how many buckets of which length.
var spans = map[string]struct {
	buckets int
	length  time.Duration
}{
	"hour":  {60, time.Minute},
	"day":   {48, 30 * time.Minute},
	"month": {30, 24 * time.Hour},
}

// Stats returns the figures of a range: hour, day or month.
func (s *Service) Stats(ctx context.Context, who admin.Actor, span string) (*Stats, error) {
	if _, ok := spans[span]; !ok {
		return nil, dispatch.InvalidField("/range", "must be one of hour, day, month")
	}
	s.mu.Lock()
	k := s.kept[key{who.Account, span}]
	if k == nil {
		if len(s.kept) > 10_000 {
			clear(s.kept)
		}
		k = &kept{turn: make(chan struct{}, 1), counts: map[time.Time]int{}}
		s.kept[key{who.Account, span}] = k
	}
	s.mu.Unlock()
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-k.turn }()
	began := time.Now()
	if began.Before(k.until) {
		return k.stats, k.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slowest) // others wait for it too
	defer cancel()
	k.stats, k.err = s.read(ctx, who, span, k.counts)
	took := time.Since(began)
	k.until = began.Add(took + min(max(fresh, share*took), oldest))
	return k.stats, k.err
}

func (s *Service) read(ctx context.Context, who admin.Actor, span string, counts map[time.Time]int) (*Stats, error) {
	out := &Stats{Range: span, Failures: []FailureGroup{}, Channels: []ChannelState{}}
	c, err := s.store.Counts(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	out.TotalKeys, out.ActiveKeys, out.Templates, out.CallsToday, out.MessagesToday = c.Keys, c.ActiveKeys, c.Templates,
		c.CallsToday, c.MessagesToday
	if err := s.readChannels(ctx, who, out); err != nil {
		return nil, err
	}
	edges := edgesOf(span, time.Now())
	good, bad, failures, err := s.store.Recent(ctx, who.Account, edges[0])
	if err != nil {
		return nil, err
	}
	if good+bad > 0 {
		rate := float64(good) / float64(good+bad)
		out.SuccessRate = &rate
	}
	for _, f := range failures {
		out.Failures = append(out.Failures, FailureGroup{f.Channel, f.Code, f.Count, f.Last.UTC()})
	}
	buckets, err := s.store.Series(ctx, who.Account, edges)
	if err != nil {
		return nil, err
	}
	out.Series, err = points(edges, buckets), s.count(ctx, who.Account, edges, buckets, counts)
	for i, b := range buckets {
		if n, ok := counts[edges[i]]; ok && b.Sampled() {
			out.Series[i].PerSecond = rate(n, &b, edges[i+1].Sub(edges[i]))
		}
	}
	return out, err
}

// counted is how many buckets one read counts: the newest first, the others at the next reads.
const counted = 3

// count counts the messages of sampled buckets: that of now anew, one that is over once.
func (s *Service) count(ctx context.Context, account int64, edges []time.Time, buckets []store.Bucket, counts map[time.Time]int) error {
	var newest time.Time // it may not have been over when it was counted
	for from := range counts {
		if from.After(newest) {
			newest = from
		}
	}
	maps.DeleteFunc(counts, func(from time.Time, _ int) bool { return from.Equal(newest) || from.Before(edges[0]) })
	for i, left := len(buckets)-1, counted; i >= 0 && left > 0; i-- {
		if _, known := counts[edges[i]]; known || !buckets[i].Sampled() {
			continue
		}
		n, err := s.store.Count(ctx, account, edges[i], edges[i+1])
		if err != nil {
			return err
		}
		counts[edges[i]] = n
		left--
	}
	return nil
}

// rate returns how many messages were accepted a second in a bucket that has n, or more if
// they were counted no further: then it is as the newest ones came, if that was faster.
func rate(n int, b *store.Bucket, length time.Duration) float64 {
	perSecond := float64(n) / length.Seconds()
	if n >= store.MaxCounted && b.Span > 0 {
		return max(perSecond, float64(b.Messages)/b.Span)
	}
	return perSecond
}

// readChannels adds the channels and what waits on them.
func (s *Service) readChannels(ctx context.Context, who admin.Actor, out *Stats) error {
	page, err := s.channels.Channels(ctx, who, admin.Paging{})
	if err != nil {
		return err
	}
	ids := []int64{}
	for _, c := range page.Data {
		ids = append(ids, c.ID)
		out.Channels = append(out.Channels, ChannelState{c.ID, c.Name, c.Provider, c.Kind, c.Sender, c.Enabled, c.Health, c.SendRate})
	}
	n, age, err := s.store.Waiting(ctx, ids)
	out.Waiting, out.WaitingMore, out.OldestWaiting = min(n, store.MaxWaiting), n > store.MaxWaiting, age
	return err
}

// edgesOf returns the times between the buckets of a range that ends with the
// bucket of now.
func edgesOf(span string, now time.Time) []time.Time {
	sp := spans[span]
	end := now.UTC().Truncate(sp.length).Add(sp.length)
	var edges []time.Time
	for i := sp.buckets; i >= 0; i-- {
		edges = append(edges, end.Add(-time.Duration(i)*sp.length))
	}
	return edges
}

// points returns the buckets as points of a chart.
func points(edges []time.Time, buckets []store.Bucket) []Point {
	out := []Point{}
	for i, b := range buckets {
		length := edges[i+1].Sub(edges[i]).Seconds()
		p := Point{At: edges[i], Seconds: int(length), PerSecond: float64(b.Messages) / length, P50: b.P50, P99: b.P99}
		if b.Sampled() && b.Span > 0 {
			p.PerSecond = float64(b.Messages) / b.Span
		}
		if b.Messages > 0 {
			p.Failed = float64(b.Failed) / float64(b.Messages)
		}
		out = append(out, p)
	}
	return out
}
