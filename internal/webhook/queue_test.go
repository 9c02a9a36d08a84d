package webhook

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// The deliveries of a message follow each other in their sequence, whichever page
// they were read with; those of no message wait for none.
func TestQueue(t *testing.T) {
	t.Parallel()
	a, b := uuid.New(), uuid.New()
	var q queue
	add := func(message dispatch.ID, seqs ...int) {
		for _, n := range seqs {
			q.add(&hookstore.Delivery{Message: message, Seq: n})
		}
	}
	want := func(message dispatch.ID, seq int) *chain {
		t.Helper()
		if !q.ready() {
			t.Fatalf("nothing is ready; want event %d of %s", seq, message)
		}
		c, d := q.next()
		if d.Message != message || d.Seq != seq {
			t.Fatalf("event %d of %s, want event %d of %s", d.Seq, d.Message, seq, message)
		}
		return c
	}
	add(a, 3, 1)
	add(dispatch.NoID, 1, 1)
	add(b, 2)
	first := want(a, 1)
	add(a, 2)
	want(dispatch.NoID, 1)
	want(dispatch.NoID, 1)
	ofB := want(b, 2)
	if q.ready() || q.size != 2 {
		t.Fatalf("%d wait, and one is ready: %v", q.size, q.ready())
	}
	q.done(first)
	q.done(want(a, 2))
	q.done(want(a, 3))
	q.done(ofB)
	if q.ready() || q.size != 0 || len(q.message) != 0 {
		t.Errorf("left: %d, %v", q.size, q.message)
	}
	add(a, 4)
	q.done(want(a, 4))
	if slices.Contains(q.chains, first) {
		t.Error("a chain that ended is still there")
	}
}
