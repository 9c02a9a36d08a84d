package webhook

import (
	"cmp"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// queue holds what was read and not called yet. The deliveries of one message are
// called one after another, or they would overtake each other.
type queue struct {
	size    int // deliveries
	chains  []*chain
	message map[dispatch.ID]*chain // also of those whose first delivery is being called
}

// chain holds the deliveries of one message in their sequence.
type chain struct {
	message dispatch.ID
	due     []*hookstore.Delivery // the first one may be being called
	busy    bool
}

func (q *queue) add(d *hookstore.Delivery) {
	q.size++
	c := q.message[d.Message]
	if c == nil {
		q.begin(d)
		return
	}
	c.due = append(c.due, d)
	waiting := c.due
	if c.busy {
		waiting = c.due[1:]
	}
	slices.SortStableFunc(waiting, func(a, b *hookstore.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
}

// begin adds a chain. One of no message has no followers.
func (q *queue) begin(d *hookstore.Delivery) {
	c := &chain{message: d.Message, due: []*hookstore.Delivery{d}}
	q.chains = append(q.chains, c)
	if d.Message == dispatch.NoID {
		return
	}
	if q.message == nil {
		q.message = map[dispatch.ID]*chain{}
	}
	q.message[d.Message] = c
}

// ready reports whether there is a delivery that may be called.
func (q *queue) ready() bool { return len(q.chains) > 0 }

// next returns the delivery that is to be called next, the first of its chain.
func (q *queue) next() (*chain, *hookstore.Delivery) {
	c := q.chains[0]
	q.chains[0] = nil
	q.chains, c.busy = q.chains[1:], true
	q.size--
	return c, c.due[0]
}

// hold ends the call of a chain's first delivery, and forgets those behind it, which
// wait with it for its second try.
func (q *queue) hold(c *chain) {
	q.size -= len(c.due) - 1
	c.due = c.due[:1]
	q.done(c)
}

// done ends the call of a chain's first delivery.
func (q *queue) done(c *chain) {
	c.due, c.busy = c.due[1:], false
	switch {
	case len(c.due) > 0:
		q.chains = slices.Insert(q.chains, 0, c)
	case q.message[c.message] == c:
		delete(q.message, c.message)
	}
}
