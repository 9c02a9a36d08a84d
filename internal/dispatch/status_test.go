package dispatch

import (
	"fmt"
	"slices"
	"testing"
)

// evidence is one thing that may be learned about a message.
type evidence struct {
	status Status
	by     By
}

// state is what of a message Beats looks at.
type state = evidence

// apply is what the store's UPDATE does with e.
func apply(s state, e evidence) state {
	if e.status.Beats(s.status, e.by, s.by) {
		return e
	}
	return s
}

func (e evidence) String() string { return fmt.Sprintf("%v/%d", e.status, e.by) }

func TestStatus_Beats(t *testing.T) {
	t.Parallel()
	const us, provider = ByUs, ByProvider
	for _, tc := range []struct {
		new, old Status
		by, was  By
		want     bool
	}{
		{Sent, Queued, us, us, true},
		{Sent, Sending, us, us, true},
		{Sent, Sent, us, us, false},
		{Sent, Delivered, us, us, false},
		{Sent, Failed, us, us, true},
		{Sent, Failed, us, provider, false},
		{Sent, Expired, us, us, true},
		{Sent, Cancelled, us, us, true},
		{Sent, Unknown, us, us, true},
		{Delivered, Queued, us, us, true},
		{Delivered, Sent, us, us, true},
		{Delivered, Read, us, us, false},
		{Delivered, Failed, us, provider, true},
		{Delivered, Unknown, us, us, true},
		{Read, Delivered, us, us, true},
		{Read, Read, us, us, false},
		{Read, Cancelled, us, us, true},
		{Failed, Queued, us, us, true},
		{Failed, Sent, us, us, false},
		{Failed, Sent, provider, us, true},
		{Failed, Delivered, provider, us, false},
		{Failed, Read, provider, us, false},
		{Failed, Failed, provider, us, true},
		{Failed, Failed, provider, provider, false},
		{Failed, Failed, us, provider, false},
		{Failed, Expired, provider, us, true},
		{Failed, Expired, us, us, false},
		{Expired, Queued, us, us, true},
		{Expired, Sent, us, us, false},
		{Cancelled, Scheduled, us, us, true},
		{Cancelled, Unknown, us, us, false},
		{Unknown, Sending, us, us, true},
		{Unknown, Delivered, us, us, false},
		{Queued, Sending, us, us, false},
		{Scheduled, Queued, us, us, false},
		{Simulated, Queued, us, us, false},
	} {
		if got := tc.new.Beats(tc.old, tc.by, tc.was); got != tc.want {
			t.Errorf("%v (by %d) beats %v (by %d) = %v; want %v", tc.new, tc.by, tc.old, tc.was, got, tc.want)
		}
	}
}

// The facts that providers report come in any order, late and repeated. From
// every state, all orders of up to five of them end in the same state.
func TestStatus_OrderOfFactsDoesNotMatter(t *testing.T) {
	t.Parallel()
	facts := []evidence{{Sent, ByUs}, {Sent, ByProvider}, {Delivered, ByProvider}, {Read, ByProvider}, {Failed, ByProvider}}
	starts := []state{
		{Scheduled, ByUs},
		{Queued, ByUs},
		{Sending, ByUs},
		{Sent, ByUs},
		{Delivered, ByProvider},
		{Read, ByProvider},
		{Failed, ByUs},
		{Failed, ByProvider},
		{Expired, ByUs},
		{Cancelled, ByUs},
		{Unknown, ByUs},
	}
	orders := 0
	for _, start := range starts {
		ends := map[[5]evidence]state{} // by the facts, sorted
		var walk func(s state, seen []evidence)
		walk = func(s state, seen []evidence) {
			orders++
			var key [5]evidence
			copy(key[:], seen)
			slices.SortFunc(key[:], func(a, b evidence) int { return int(a.status-b.status)*10 + int(a.by-b.by) })
			end := s
			end.by = settledBy(end)
			if other, ok := ends[key]; ok && other != end {
				t.Fatalf("from %v, the order %v ends in %v, another in %v", start, seen, end, other)
			}
			ends[key] = end
			if len(seen) == 5 {
				return
			}
			for _, f := range facts {
				walk(apply(s, f), append(slices.Clip(seen), f))
			}
		}
		walk(start, nil)
	}
	t.Logf("%d orders", orders)
}

// settledBy drops what is never read: only a failure's
// author matters to Beats.
func settledBy(s state) By {
	if s.status == Failed {
		return s.by
	}
	return ByUs
}

// What we settle ourselves (failed, expired, cancelled, unknown) is a decision
// about what is not settled, not a fact: whichever comes first stands among
// them, but none survives a fact, wherever in the order it comes.
func TestStatus_FactsBeatAssumptions(t *testing.T) {
	t.Parallel()
	facts := []evidence{{Sent, ByUs}, {Delivered, ByProvider}, {Read, ByProvider}, {Failed, ByProvider}}
	ours := []evidence{{Failed, ByUs}, {Expired, ByUs}, {Cancelled, ByUs}, {Unknown, ByUs}}
	var walk func(facts []evidence, s, plain state, depth int)
	walk = func(left []evidence, s, plain state, depth int) {
		if plain.status >= Sent && (s.status != plain.status || settledBy(s) != settledBy(plain)) {
			t.Fatalf("with assumptions %v, without %v", s, plain)
		}
		if depth == 5 {
			return
		}
		for _, e := range ours {
			walk(left, apply(s, e), plain, depth+1)
		}
		for _, f := range left {
			walk(left, apply(s, f), apply(plain, f), depth+1)
		}
	}
	for _, start := range []Status{Scheduled, Queued, Sending} {
		walk(facts, state{start, ByUs}, state{start, ByUs}, 0)
	}
}

// A status never goes backward, except that a fact replaces one of the final
// four: so no message changes for ever.
func TestStatus_EndsSomewhere(t *testing.T) {
	t.Parallel()
	all := []evidence{
		{Queued, ByUs},
		{Sent, ByUs},
		{Delivered, ByProvider},
		{Read, ByProvider},
		{Failed, ByUs},
		{Failed, ByProvider},
		{Expired, ByUs},
		{Cancelled, ByUs},
		{Unknown, ByUs},
	}
	var longest func(s state, path []state) int
	longest = func(s state, path []state) int {
		if slices.Contains(path, s) {
			t.Fatalf("goes in a circle: %v, then %v", path, s)
		}
		most := 0
		for _, e := range all {
			if next := apply(s, e); next != s {
				most = max(most, 1+longest(next, append(slices.Clip(path), s)))
			}
		}
		return most
	}
	if n := longest(state{Scheduled, ByUs}, nil); n > 6 {
		t.Errorf("a message can change %d times", n)
	}
}

func TestStatus_Names(t *testing.T) {
	t.Parallel()
	for s, name := range statusNames {
		got, ok := ParseStatus(name)
		if want := s != Simulated; ok != want || (ok && got != s) || s.String() != name {
			t.Errorf("%q: %v, %v", name, got, ok)
		}
		if s.Final() != slices.Contains([]Status{Failed, Expired, Cancelled, Unknown}, s) {
			t.Errorf("%v: Final is %v", s, s.Final())
		}
		if s.Anomalous(Queued) || (s == Read || s == Delivered) != s.Anomalous(Unknown) {
			t.Errorf("%v is anomalous at the wrong time", s)
		}
	}
	if _, ok := ParseStatus(""); ok {
		t.Error("an empty name passed")
	}
}
