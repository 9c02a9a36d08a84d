package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"time"
)

// shots are requests that a process of its own sends, so that the load does not
// run beside the benchmark's emulator and clock. Each URL has its turn.
type shots struct {
	URLs   []string      `json:"urls"`
	Method string        `json:"method"`
	Key    string        `json:"key"`
	Conns  int           `json:"conns"`
	For    time.Duration `json:"for"`
	Want   int           `json:"want"` // the status that counts

	// Of the messages that are sent; Channel 0: no body.
	Channel int64  `json:"channel,omitempty"`
	Lane    string `json:"lane,omitempty"`
	From    int    `json:"from,omitempty"`
}

// hits is what a process that sent shots reports.
type hits struct {
	Took  time.Duration   `json:"took"`
	Times []time.Duration `json:"times"`
	Error string          `json:"error,omitempty"`
}

func (o *shots) body(i int) []byte {
	if o.Channel == 0 {
		return nil
	}
	return message(o.Channel, o.Lane, o.From+i)
}

// RawLoad sends the requests that in describes and reports to out.
func RawLoad(ctx context.Context, in io.Reader, out io.Writer) error {
	var o shots
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("read what to send: %w", err)
	}
	l, err := hammer(ctx, loadClient(), o.Method, o.Key, o.Conns, o.For, o.Want, func(i int) (string, []byte) {
		return o.URLs[i%len(o.URLs)], o.body(i)
	})
	h := hits{Took: l.took, Times: l.times}
	if err != nil {
		h.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(h)
}

// shoot has another process send requests.
func (s *stage) shoot(ctx context.Context, o shots) (*load, error) {
	spec, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode what to send: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.For+2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.o.Binary, "bench", "--raw-load")
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.env, bytes.NewReader(spec), &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("load: %w: %.300s", err, errs.String())
	}
	var h hits
	if err := json.Unmarshal(out.Bytes(), &h); err != nil {
		return nil, fmt.Errorf("read what the load came to: %w", err)
	}
	l := &load{done: len(h.Times), took: h.Took, times: h.Times}
	if h.Error != "" {
		return l, fmt.Errorf("load: %s", h.Error)
	}
	return l, nil
}

// shootMessages has messages accepted for about d, over the front doors at bases.
func (s *stage) shootMessages(ctx context.Context, conns int, d time.Duration, bases ...string) (*load, error) {
	o := shots{
		Method: http.MethodPost, Key: s.key, Conns: conns, For: d, Want: http.StatusAccepted,
		Channel: s.channels[0].ID, Lane: "normal", From: s.sent,
	}
	for _, base := range bases {
		o.URLs = append(o.URLs, base+"/v1/messages")
	}
	l, err := s.shoot(ctx, o)
	if l != nil {
		s.sent += l.done
	}
	return l, err
}
