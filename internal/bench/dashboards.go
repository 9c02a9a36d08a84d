package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/demo"
)

// A browser is a signed-in dashboard: it follows the event stream and reads what
// its page shows, as often as the page does (web/src/live.ts and the pages' every).
type browser struct {
	page  string
	reads []read
}

type read struct {
	path  string
	every time.Duration
}

// browsers are the open dashboards of the figure, twenty of them.
func browsers(message string) (all []browser) {
	overview := browser{"overview", []read{{"/v1/stats?range=hour", 2 * time.Second}}} // events flow all the time
	list := browser{"messages", []read{{"/v1/messages?limit=50", 5 * time.Second}}}    // somebody shows the new ones
	one := browser{"message", []read{
		{"/v1/messages/" + message, 30 * time.Second}, // it has ended
		{"/v1/messages/" + message + "/events", 30 * time.Second},
		{"/v1/messages/" + message + "/deliveries", 30 * time.Second},
	}}
	channels := browser{"channels", []read{{"/v1/channels?limit=100", 5 * time.Second}}}
	keys := browser{"keys", []read{{"/v1/keys?limit=100", 15 * time.Second}, {"/v1/usage?limit=100", time.Minute}}}
	for _, p := range []struct {
		browser
		n int
	}{{overview, 8}, {list, 5}, {one, 4}, {channels, 2}, {keys, 1}} {
		for range p.n {
			all = append(all, p.browser)
		}
	}
	return all
}

// measureDashboards drains backlogs with none and with twenty open dashboards, in the
// order A B B A, so that what the machine does besides falls on both alike, and compares
// the medians of the CPU time of all parts for a message: rates depend on that much more.
func measureDashboards(ctx context.Context, s *stage) error {
	turns, page := s.pick(1, 6), s.pick(10_000, 12_000)
	if _, _, err := s.drainUsage(ctx, s.page()); err != nil { // warms up, and is what pages show
		return err
	}
	w, err := s.watchers(ctx)
	if err != nil {
		return err
	}
	costs := map[bool][]map[string]float64{} // by whether dashboards are open
	for range turns {
		if err := s.turn(ctx, w, page, costs); err != nil {
			return err
		}
	}
	per, raw := medians(costs[true]), medians(costs[false])["all"]
	if raw == 0 {
		fmt.Fprintln(s.o.Out, "   there is no /proc here: not measured")
		return nil
	}
	s.add(Figure{
		Name: "dashboards", How: fmt.Sprintf("%d open dashboards, medians of %d drains of %d each way", len(w.browsers), 2*turns, page),
		Raw: 1e6 / raw, RawIs: "without them", Value: 1e6 / per["all"], Unit: "messages/CPU s", Must: "0.97 x", Reach: raw >= .97*per["all"],
		Detail: fmt.Sprintf("%d answers, %d of them 503, %d KiB of events", w.answers.Load(), w.refused.Load(), w.streamed.Load()>>10), CPU: per,
	})
	return nil
}

// turn drains four backlogs, the two in the middle with dashboards open, and adds the CPU
// time of each part for a message to costs.
func (s *stage) turn(ctx context.Context, w *watchers, page int, costs map[bool][]map[string]float64) error {
	drain := func(watched bool) error {
		u, n, err := s.drainUsage(ctx, page)
		if err == nil {
			costs[watched] = append(costs[watched], usage.since(u, nil, n))
		}
		return err
	}
	if err := drain(false); err != nil {
		return err
	}
	stop := w.open(ctx)
	err := drain(true)
	if err == nil {
		err = drain(true)
	}
	if err := cmp.Or(err, stop()); err != nil {
		return err
	}
	return drain(false)
}

// drainUsage drains a backlog and returns the CPU time of each part meanwhile.
func (s *stage) drainUsage(ctx context.Context, n int) (usage, int, error) {
	s.stopWork()
	n, err := s.backlog(ctx, s.channels[0].ID, "normal", n)
	if err != nil {
		return nil, 0, err
	}
	before := s.cpu()
	if _, err := s.drainRate(ctx, n, 1); err != nil {
		return nil, 0, err
	}
	return s.cpu().minus(before), n, nil
}

// watchers are people who look at the dashboard.
type watchers struct {
	browsers []browser
	cookies  []*http.Cookie
	base     string
	client   *http.Client
	answers  atomic.Int64
	refused  atomic.Int64
	streamed atomic.Int64 // bytes
}

// watchers signs twenty browsers in.
func (s *stage) watchers(ctx context.Context) (*watchers, error) {
	all, err := s.newest(ctx, 1)
	if err != nil {
		return nil, err
	}
	const email = "olivia@example.com"
	password, err := demo.Owner(ctx, s.accounts, s.channels[0].Account, email)
	if err != nil {
		return nil, err
	}
	w := &watchers{browsers: browsers(all[0].id), base: s.base, client: loadClient()}
	for range w.browsers {
		c, err := w.signIn(ctx, email, password)
		if err != nil {
			return nil, err
		}
		w.cookies = append(w.cookies, c)
	}
	return w, nil
}

func (w *watchers) signIn(ctx context.Context, email, password string) (*http.Cookie, error) {
	in, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		return nil, fmt.Errorf("encode login: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/v1/session", strings.NewReader(string(in)))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if len(resp.Cookies()) != 1 {
		return nil, fmt.Errorf("sign in: answer %d", resp.StatusCode)
	}
	return resp.Cookies()[0], nil
}

// open opens all dashboards. stop closes them and returns the first error that one
// of them saw.
func (w *watchers) open(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	errs := make(chan error, 1)
	run := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
	}
	for i, b := range w.browsers {
		run(func() error { return w.follow(ctx, w.cookies[i]) })
		for _, r := range b.reads {
			run(func() error { return w.poll(ctx, w.cookies[i], r) })
		}
	}
	return func() error {
		cancel()
		wg.Wait()
		select {
		case err := <-errs:
			return err
		default:
			return nil
		}
	}
}

// follow reads the event stream.
func (w *watchers) follow(ctx context.Context, c *http.Cookie) error {
	for ctx.Err() == nil { // one that was cut resumes
		body, err := w.get(ctx, c, "/v1/events?summary=true")
		if err != nil {
			return err
		}
		n, _ := io.Copy(io.Discard, body)
		w.streamed.Add(n)
		if err := body.Close(); err != nil {
			return fmt.Errorf("close stream: %w", err)
		}
	}
	return nil
}

// poll reads a path again and again.
func (w *watchers) poll(ctx context.Context, c *http.Cookie, r read) error {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		body, err := w.get(ctx, c, r.path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, body)
		_ = body.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", r.path, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// get returns the body of an answer as a browser gets it, compressed.
func (w *watchers) get(ctx context.Context, c *http.Cookie, path string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.AddCookie(c)
	req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	switch w.answers.Add(1); resp.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable: // the readers' pool is busy: the page shows its last answer
		w.refused.Add(1)
	default:
		_ = resp.Body.Close()
		return nil, fmt.Errorf("get %s: answer %d", path, resp.StatusCode)
	}
	return resp.Body, nil
}
