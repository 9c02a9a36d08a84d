package limit

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func TestSpace_ScriptIsTheModel(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		var ch int64
		rapid.Check(t, func(rt *rapid.T) {
			ch++
			h := newHand()
			c := newChannels(rdb, h, 1)
			model := &localChannel{until: map[string]float64{}}
			for range rapid.IntRange(1, 15).Draw(rt, "calls") {
				tos := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 6).Draw(rt, "tos")
				spacing := rapid.SampledFrom([]time.Duration{0, time.Second, 6 * time.Second}).Draw(rt, "spacing")
				block := rapid.SampledFrom([]time.Duration{0, 0, 0, 3 * time.Second}).Draw(rt, "block")
				want := model.space(float64(h.us.Load()), tos, float64(spacing.Microseconds()), float64(block.Microseconds()))
				got, err := c.recipients(t.Context(), ch, tos, spacing, block)
				if err != nil || !slices.Equal(got, want) {
					rt.Fatalf("%v, %v; the model says %v", got, err, want)
				}
				h.us.Add(rapid.SampledFrom([]uint64{0, 1, 500_000, 1_000_000, 7_000_000}).Draw(rt, "us"))
			}
		})
	})
}

func testSpace(t *testing.T, c *Channels, h *hand) {
	t.Helper()
	ctx := t.Context()
	want := func(got []time.Duration, err error, want ...time.Duration) {
		t.Helper()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	got, err := c.Space(ctx, 1, []string{"a", "b", "a", "a"}, 6*time.Second)
	want(got, err, 0, 0, 6*time.Second, 12*time.Second)
	h.us.Add(5_000_000)
	got, err = c.Space(ctx, 1, []string{"a", "c"}, 6*time.Second)
	want(got, err, time.Second, 0)
	h.us.Add(1_000_000)
	got, err = c.Space(ctx, 1, []string{"a"}, 6*time.Second) // asking has not booked it
	want(got, err, 0)
	if err := c.BlockRecipient(ctx, 1, "b", time.Minute); err != nil {
		t.Error(err)
	}
	if err := c.BlockRecipient(ctx, 1, "b", time.Second); err != nil { // shortens nothing
		t.Error(err)
	}
	got, err = c.Blocked(ctx, 1, []string{"a", "b", "d"})
	want(got, err, 6*time.Second, time.Minute, 0)
	got, err = c.Blocked(ctx, 2, []string{"b"}) // another channel
	want(got, err, 0)
	got, err = c.Blocked(ctx, 1, nil)
	want(got, err)
}

func TestSpace(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := newHand()
		testSpace(t, newChannels(rdb, h, 1), h)
	})
}

func TestSpace_RedisAway(t *testing.T) {
	t.Parallel()
	m, rdb := mini(t)
	m.Close()
	h := newHand()
	c := newChannels(rdb, h, 3)
	testSpace(t, c, h)
	h.us.Add(100_000_000)
	tos := make([]string, localRecipients+2)
	for i := range tos {
		tos[i] = time.Duration(i).String()
	}
	for range 2 {
		if _, err := c.Space(t.Context(), 1, tos, time.Millisecond); err != nil {
			t.Fatal(err)
		}
		h.us.Add(1000)
	}
	if _, ok := c.locals[1].until["a"]; ok {
		t.Error("a recipient whose time has passed is remembered")
	}
}
