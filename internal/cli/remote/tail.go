package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Tail is the command tail.
type Tail struct {
	Flags
	Since string   `help:"Id of the last event seen: later ones are shown first." placeholder:"ID"`
	Type  []string `help:"Only these types, as message.delivered,message.failed." placeholder:"TYPE"`
	Count int      `help:"End after so many events. Default: at Ctrl-C." placeholder:"N"`
}

const (
	// silence is the longest time without data on a stream: the API sends a
	// comment every 15 s.
	silence  = 45 * time.Second
	maxEvent = 1 << 20
	longWait = 10 * time.Second
)

// liveEvent is an event of the stream.
type liveEvent struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"`
	At      time.Time `json:"at"`
	Message string    `json:"message_id,omitempty"`
	Channel int64     `json:"channel_id,omitempty"`
	Seq     int       `json:"sequence,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Code    string    `json:"code,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// errEnough ends a stream after --count events.
var errEnough = errors.New("enough")

// Run follows events, across broken connections without a gap.
func (c *Tail) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	t := &tail{cmd: c, env: e, last: c.Since}
	wait := time.Duration(0)
	for {
		err := t.follow(e.Ctx, cl)
		p, refused := errors.AsType[*Problem](err)
		switch {
		case e.Ctx.Err() != nil || errors.Is(err, errEnough):
			return nil
		case refused && p.Status/100 == 4 && p.Status != http.StatusTooManyRequests:
			return err
		case t.heard:
			wait = 0
		default:
			wait = min(max(2*wait, 500*time.Millisecond), longWait)
		}
		if wait > 0 && err != nil {
			fmt.Fprintf(e.Stderr, "sendoff: %s; again in %s\n", firstLine(err), wait)
		}
		if !pause(e.Ctx, wait) {
			return nil
		}
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// tail is the state of a followed stream.
type tail struct {
	cmd   *Tail
	env   *console.Env
	last  string // where to resume
	heard bool   // the present connection delivered an event
	shown int
}

// follow reads a connection to its end.
func (t *tail) follow(ctx context.Context, cl *client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	t.heard = false
	resp, err := cl.open(ctx, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.GetEvents(ctx, &api.GetEventsParams{LastEventID: given(t.last)})
	})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	var ev liveEvent
	for lines.Scan() {
		quiet.Reset(silence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			ev.ID = value
		case "data":
			if err := json.Unmarshal([]byte(value), &ev); err != nil {
				return fmt.Errorf("read event: %w", err)
			}
		case "":
			if value != "" { // a comment
				break
			}
			if ev.ID != "" { // also without an event: then it is only a place to resume from
				t.last = ev.ID
			}
			if ev.Type != "" {
				t.heard = true
				if err := t.show(&ev); err != nil {
					return err
				}
			}
			ev = liveEvent{}
		}
	}
	return lines.Err()
}

// show prints an event. It returns errEnough after the last one.
func (t *tail) show(ev *liveEvent) error {
	if len(t.cmd.Type) > 0 && !slices.Contains(t.cmd.Type, ev.Type) {
		return nil
	}
	if t.cmd.JSON {
		if err := json.NewEncoder(t.env.Stdout).Encode(ev); err != nil {
			return fmt.Errorf("print event: %w", err)
		}
	} else {
		parts := []string{ev.Cause, ev.Code, strings.Join(strings.Fields(ev.Detail), " ")}
		rest := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
		about := ev.Message
		if about == "" {
			about = fmt.Sprintf("channel %d", ev.Channel)
		}
		if _, err := fmt.Fprintf(t.env.Stdout, "%s  %-18s  %s  %s\n", ev.At.Local().Format("15:04:05.000"), ev.Type, about, rest); err != nil {
			return fmt.Errorf("print event: %w", err)
		}
	}
	if t.shown++; t.cmd.Count > 0 && t.shown >= t.cmd.Count {
		return errEnough
	}
	return nil
}
