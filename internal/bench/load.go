package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

func loadClient() *http.Client {
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}}
}

// load is what a run of requests came to.
type load struct {
	done  int
	took  time.Duration
	times []time.Duration
}

func (l *load) rate() float64 { return float64(l.done) / l.took.Seconds() }

// p is a percentile.
func (l *load) p(q float64) time.Duration {
	if len(l.times) == 0 {
		return 0
	}
	slices.Sort(l.times)
	return l.times[min(len(l.times)-1, int(q*float64(len(l.times))))]
}

// hammer sends requests over conns connections for about d. next makes the i-th
// request's URL and body; want is the status that counts.
func hammer(
	ctx context.Context, client *http.Client, method, key string, conns int, d time.Duration, want int, next func(i int) (string, []byte),
) (*load, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var n atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := &load{}
	var first error
	began := time.Now()
	for range conns {
		wg.Go(func() {
			var times []time.Duration
			for ctx.Err() == nil {
				t := time.Now()
				url, body := next(int(n.Add(1)) - 1)
				err := one(client, method, url, key, want, body)
				if err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					return
				}
				times = append(times, time.Since(t))
			}
			mu.Lock()
			out.times = append(out.times, times...)
			mu.Unlock()
		})
	}
	wg.Wait()
	out.took, out.done = time.Since(began), len(out.times)
	return out, first
}

// one makes a request that isn't cut off by the end of the measurement.
func one(client *http.Client, method, url, key string, want int, body []byte) error {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != want {
		return fmt.Errorf("answer %d: %s", resp.StatusCode, b)
	}
	return nil
}

// recipient is the i-th number: unique, and none of the emulator's magic ones.
func recipient(i int) string {
	return fmt.Sprintf("+1%03d%03d%04d", 201+i/2_000_000%700, 200+i/2500%800, 2000+i%2500)
}

func message(channel int64, lane string, i int) []byte {
	return fmt.Appendf(
		nil,
		`{"channel":%d,"to":%q,"lane":%q,"reference":"bench-%d","type":"template",`+
			`"template":{"name":"order_confirmation","language":"en","variables":["Ada","A-%d","9.90"]}}`,
		channel, recipient(i), lane, i, i,
	)
}

// postBatch sends n messages as one NDJSON request.
func (s *stage) postBatch(ctx context.Context, channel int64, lane string, from, n int) (time.Duration, error) {
	var b bytes.Buffer
	for i := range n {
		b.Write(message(channel, lane, from+i))
		b.WriteByte('\n')
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/messages/batch", &b)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/x-ndjson")
	began := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("send batch: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if bad := bytes.Index(lines, []byte(`"error"`)); resp.StatusCode != http.StatusAccepted || bad >= 0 {
		return 0, fmt.Errorf("batch answer %d: %.300s", resp.StatusCode, lines[max(0, bad-60):])
	}
	s.sent += n
	return took, nil
}

var errNoMessages = errors.New("nothing was accepted before: run the figure accept too")
