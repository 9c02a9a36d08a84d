package runner_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a line.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the lines that have one of the words.
func (l *lines) with(words ...string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		for _, w := range words {
			if strings.Contains(line, w) {
				out = append(out, line)
				break
			}
		}
	}
	return out
}

// audienceFile returns a CSV of n persons.
func audienceFile(n int) string {
	var b strings.Builder
	b.WriteString("phone,name,order,total\n")
	for i := range n {
		fmt.Fprintf(&b, "+1555%07d,Ada %d,A-%d,9.90\n", i*100+1, i, i)
	}
	return b.String()
}

// uploaded imports an audience of n persons and returns the import's id.
func (s *stack) uploaded(n int) float64 {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), "POST", s.url+"/v1/imports?kind=audience", strings.NewReader(audienceFile(n)))
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "text/csv")
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	raw, err := io.ReadAll(resp.Body)
	s.must(err)
	_ = resp.Body.Close()
	if resp.StatusCode != 202 {
		s.Fatalf("import: %d %s", resp.StatusCode, raw)
	}
	var id float64
	if _, err := fmt.Sscanf(string(raw[bytes.Index(raw, []byte(`"id":`))+5:]), "%g", &id); err != nil {
		s.Fatalf("import: %s", raw)
	}
	s.until(fmt.Sprintf("/v1/imports/%.0f", id), "the import", func(o object) bool { return o["status"] == "done" })
	return id
}

// atOnce makes an action, which must not wait for a page of messages that is made
// or sent.
func (s *stack) atOnce(path, action string) {
	s.Helper()
	begin := time.Now()
	status, raw := s.raw("POST", path+"/"+action, nil)
	took := time.Since(begin)
	if status != 200 || took > 2*time.Second { // a second with room for a slow machine; a lock is waited for two
		s.Errorf("%s: %d after %s: %s", action, status, took, raw)
	}
}

// passwords sends one-time passwords, one after the other, until stop.
func (s *stack) passwords(series int, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		status, raw := s.raw("POST", "/v1/messages", object{
			"to": fmt.Sprintf("+1556%03d%04d", series, i), "type": "template",
			"template": object{"name": "auth1", "language": "en_US", "variables": []any{"123456"}},
		})
		if status != 202 {
			s.Errorf("a one-time password: %d %s", status, raw)
		}
	}
}

// A campaign that three workers expand, send and report while messages are accepted
// beside it stops at once, and none of those who write its ledger waits for another
// one that waits for it.
func TestCampaign_ManyWriters(t *testing.T) {
	s := start(t)
	var log lines
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.work()
	s.work()
	path := s.launch(orders(nil, object{"audience": object{"import": s.uploaded(20_000)}}))
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() { s.passwords(i, stop) })
	}
	done := 0
	for range 6 {
		c := s.until(path, "receipts", func(c object) bool { return c.count("delivered") > done+400 })
		done = c.count("delivered")
		s.atOnce(path, "pause")
		s.atOnce(path, "resume")
	}
	s.atOnce(path, "cancel")
	close(stop)
	group.Wait()
	s.until(path, "the end", func(c object) bool { return c.count("queued")+c.count("sending")+c.count("waiting") == 0 })
	s.balanced(path)
	for _, line := range log.with("40P01", "55P03", "status=500", "status=503") {
		t.Error(line)
	}
	var calls int // for one recipient of the campaign, without those that the emulator put off
	s.must(s.db.GetContext(s.Context(), &calls, `SELECT max(n) FROM (SELECT count(*) AS n FROM messages m JOIN attempts a
		ON a.message_id = m.id WHERE m.campaign_id = $1::bigint AND a.http IS DISTINCT FROM 429 GROUP BY m.recipient) x`, id(path)))
	// A one-time password whose call had no answer is sent once more.
	if _, most := s.accepted(); calls != 1 || most > 2 {
		t.Errorf("one person got %d messages, one of the campaign %d", most, calls)
	}
}
