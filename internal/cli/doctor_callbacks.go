package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/store/callback"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// enoughSent is how many messages without any receipt show that callbacks do
// not arrive.
const enoughSent = 10

// callbackState is what a channel sent and what arrived for it in the last hour.
type callbackState struct {
	callback.Arrivals

	sent, received int
}

// callbacks looks for channels whose callbacks do not arrive or are rejected.
func (d *doctor) callbacks(ctx context.Context, db *pg.DB) {
	all, err := callbackStates(ctx, db)
	if d.failedCheck("callbacks", err) {
		return
	}
	silent := 0
	for i := range all {
		c := &all[i]
		name := fmt.Sprintf("callbacks of channel %d", c.Channel)
		switch {
		case c.sent >= enoughSent && c.received == 0, c.Rejected > 0 && c.Taken == 0:
			silent++
			d.note(name, false, c.detail(), c.fix())
		case c.Rejected > 0:
			d.note(name, true, fmt.Sprintf("%s: in the last hour %d taken, %d rejected: %s", c.Name, c.Taken, c.Rejected, c.Reasons), "")
		}
	}
	if silent == 0 {
		d.note("callbacks", true, "arrive for each channel that sent enough in the last hour", "")
	}
}

// callbackStates returns the channels that sent or got callbacks lately.
func callbackStates(ctx context.Context, db *pg.DB) ([]callbackState, error) {
	sent, err := operate.New(db).Receipts(ctx)
	if err != nil {
		return nil, err
	}
	arrived, err := callback.New(db).Arrivals(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]callbackState, 0, len(sent)+len(arrived))
	at := map[int64]int{}
	for _, a := range arrived {
		at[a.Channel] = len(out)
		out = append(out, callbackState{Arrivals: a})
	}
	for _, r := range sent {
		i, ok := at[r.ID]
		if !ok {
			i = len(out)
			out = append(out, callbackState{Arrivals: callback.Arrivals{Channel: r.ID, Name: r.Name}})
		}
		out[i].sent, out[i].received = r.Sent, r.Received
	}
	return out, nil
}

// detail describes what does not arrive.
func (c *callbackState) detail() string {
	came := "no callback in the last two days"
	switch {
	case c.Taken > 0:
		came = fmt.Sprintf("%d callbacks taken, none of them a receipt", c.Taken)
	case c.Last != nil:
		came = "no callback since " + c.Last.Local().Format(time.DateTime)
	}
	out := fmt.Sprintf("%s: %d sent in the last hour, %s", c.Name, c.sent, came)
	if c.Rejected > 0 {
		out += fmt.Sprintf(", %d rejected: %s", c.Rejected, c.Reasons)
	}
	return out
}

// fix returns what to do.
func (c *callbackState) fix() string {
	switch {
	case c.Taken > 0:
		return fmt.Sprintf("subscribe the callback address of channel %d to message statuses at the provider (those of messages that others "+
			"send match none); GET /v1/callbacks/ignored lists what could not be read", c.Channel)
	case strings.Contains(c.Reasons, "signature"):
		return fmt.Sprintf("enter the secret with which the provider signs (sendoff channel update %d --secret NAME), and as "+
			"SENDOFF_PUBLIC_URL the address that it calls", c.Channel)
	}
	return fmt.Sprintf("enter the callback address that sendoff channel show %d prints at the provider, and look in serve's log for: "+
		"callback rejected", c.Channel)
}
