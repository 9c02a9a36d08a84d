package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Send is the command send.
type Send struct {
	Flags
	To       string `required:"" help:"Recipient, as +15550000100." placeholder:"NUMBER"`
	Text     string `xor:"content" required:"" help:"A text." placeholder:"TEXT"`
	Template string `xor:"content" required:"" help:"A template, by name." placeholder:"NAME"`
	Language string `help:"The template's language, when it has several." placeholder:"CODE"`
	admin.TemplateValues
	Channel        string        `help:"Id or key. Default: the account's default channel." placeholder:"CHANNEL"`
	SendAt         string        `help:"When: 2026-01-02T15:04:05Z, or 10m from now." placeholder:"TIME"`
	TTL            time.Duration `name:"ttl" help:"Expires so long after it is due." placeholder:"TIME"`
	Lane           string        `enum:"otp,normal,bulk," default:"" help:"otp, normal or bulk." placeholder:"LANE"`
	Reference      string        `help:"Your own id of the message." placeholder:"TEXT"`
	Simulate       bool          `help:"Validate it and show what would be sent. Nothing is sent."`
	IdempotencyKey string        `help:"A repeat with the same key is sent once. Default: a new key." placeholder:"KEY"`
	Wait           bool          `help:"Wait until it is delivered; exit code 1 if it is not."`
	WaitFor        time.Duration `default:"60s" help:"How long to wait."`
}

// receipt is the answer to POST /v1/messages.
type receipt struct {
	ID        string          `json:"message_id"`
	Status    string          `json:"status"`
	To        string          `json:"to"`
	Channel   int64           `json:"channel_id"`
	SendAt    *time.Time      `json:"send_at,omitempty"`
	CreatedAt *time.Time      `json:"created_at,omitempty"`
	WouldSend json.RawMessage `json:"would_send,omitempty"`
	Segments  int             `json:"segments,omitempty"`
	Price     json.Number     `json:"price,omitempty"`
}

// Run sends a message.
func (c *Send) Run(e *console.Env) error {
	body, err := c.body(time.Now())
	if err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	key := cmp.Or(c.IdempotencyKey, uuid.NewString())
	var r receipt
	_, err = cl.ask(e.Ctx, &r, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostMessagesWithBody(ctx, &api.PostMessagesParams{IdempotencyKey: &key}, jsonType, jsonOf(body))
	})
	if err != nil {
		return unsure(err, key)
	}
	if c.Wait && !c.Simulate {
		return c.wait(e, cl, &r)
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, r)
	}
	if r.Status == dispatch.Simulated.String() {
		fmt.Fprintf(e.Stdout, "would be sent to %s on channel %d:\n%s\n", r.To, r.Channel, r.WouldSend)
		return nil
	}
	fmt.Fprintf(e.Stdout, "message %s is %s, to %s on channel %d\n\nFollow it with: sendoff status %s\n",
		r.ID, r.Status, r.To, r.Channel, r.ID)
	return nil
}

// unsure adds to an error of unknown outcome how to repeat the request.
func unsure(err error, key string) error {
	p, ok := errors.AsType[*Problem](err)
	if errors.Is(err, errUnanswered) || (ok && (p.Code == string(dispatch.OutcomeUnknown) || p.Code == string(dispatch.InProgress))) {
		return fmt.Errorf("%w\nit is not known whether the message was accepted; repeat with --idempotency-key %s and it is sent once", err, key)
	}
	return err
}

func (c *Send) body(now time.Time) (map[string]any, error) {
	b := map[string]any{"to": c.To}
	if c.Template != "" {
		t, err := c.template()
		if err != nil {
			return nil, err
		}
		b["type"], b["template"] = "template", t
	} else {
		if c.Language != "" || !c.Empty() {
			return nil, errors.New("--var, --language and --header-media-url belong to --template")
		}
		b["type"], b["text"] = "text", map[string]string{"body": c.Text}
	}
	for name, v := range map[string]string{"channel": c.Channel, "lane": c.Lane, "reference": c.Reference} {
		if v != "" {
			b[name] = v
		}
	}
	if c.SendAt != "" {
		at, err := console.ParseTime(c.SendAt, now)
		if err != nil {
			return nil, fmt.Errorf("--send-at: %w", err)
		}
		b["send_at"] = at.UTC().Format(time.RFC3339Nano)
	}
	if c.TTL != 0 {
		if c.TTL < time.Second {
			return nil, errors.New("--ttl must be at least 1s")
		}
		b["ttl_seconds"] = int64(c.TTL / time.Second)
	}
	if c.Simulate {
		b["simulate"] = true
	}
	return b, nil
}

func (c *Send) template() (map[string]any, error) {
	t := map[string]any{"name": c.Template}
	if c.Language != "" {
		t["language"] = c.Language
	}
	return t, c.Fill(t)
}

// good and settled are the statuses at which --wait ends.
var (
	good    = []string{dispatch.Delivered.String(), dispatch.Read.String()}
	settled = append([]string{
		dispatch.Failed.String(), dispatch.Expired.String(), dispatch.Cancelled.String(), dispatch.Unknown.String(),
	}, good...)
)

// wait polls a message until its status is settled.
func (c *Send) wait(e *console.Env, cl *client, r *receipt) error {
	ctx, cancel := context.WithTimeout(e.Ctx, c.WaitFor)
	defer cancel()
	var m dispatch.View
	m.StatusName = r.Status
	params := api.GetMessagesIdParams{Wait: new(float32(pollTime.Seconds()))}
	for !slices.Contains(settled, m.StatusName) {
		h, err := cl.ask(ctx, &m, func(ctx context.Context, cl *client) (*http.Response, error) {
			return cl.GetMessagesId(ctx, r.ID, &params)
		})
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return fmt.Errorf("message %s was accepted: %w", r.ID, err)
		}
		params.IfNoneMatch = given(h.Get("ETag"))
	}
	if c.JSON {
		if m.CreatedAt.IsZero() {
			return errors.Join(console.PrintJSON(e.Stdout, r), console.ErrReported)
		}
		if err := console.PrintJSON(e.Stdout, m); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.Stdout, "message %s is %s%s\n", r.ID, m.StatusName, why(&m))
	}
	if !slices.Contains(good, m.StatusName) {
		return console.ErrReported
	}
	return nil
}

// why returns the error of a message for people.
func why(m *dispatch.View) string {
	if m.Error == nil {
		return ""
	}
	s := ": " + m.Error.Code
	if m.Error.ProviderCode != "" {
		s += " (the provider's " + m.Error.ProviderCode + ")"
	}
	return s + ", " + m.Error.Message
}
