package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

// stopLimit is how long a front door may take to stop.
const stopLimit = 5 * time.Second

// A stop ends within its time whatever clients do, and everybody is answered: a
// batch whose client never ends gets the results of what was accepted, and the
// client of half a body that it may repeat the request.
func TestStop_ClientsThatDoNotEnd_AreAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, options{idle: true})
	address := strings.TrimPrefix(s.url, "http://")
	head := func(path, contentType, length string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%s\r\n\r\n",
			path, s.key, contentType, length)
	}
	halves := make([]net.Conn, 20)
	for i := range halves {
		halves[i] = dial(t, address, head("/v1/messages", "application/json", "Content-Length: 1000")+"{")
	}
	batch := dial(t, address, head("/v1/messages/batch", "application/x-ndjson", "Transfer-Encoding: chunked"))
	line := order("+15559020001") + "\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(line), line)
	go func() {
		for {
			if _, err := io.WriteString(batch, chunk); err != nil {
				return // refused at last
			}
			time.Sleep(5 * time.Millisecond) // a client's pace
		}
	}()
	wait.Until(t, "messages of the batch are accepted", func() bool {
		list := as[struct{ Data []message }](t, s.call(t, http.MethodGet, "/v1/messages?limit=1", "").want(t, http.StatusOK))
		return len(list.Data) > 0
	})
	answered := make(chan answer, 1)
	go func() { answered <- read(t, batch) }()
	began := time.Now()
	stopped(t, "front door", s.serving)
	s.serving = nil
	if took := time.Since(began); took > stopLimit {
		t.Errorf("the stop took %s", took)
	}
	for _, c := range halves {
		if a := read(t, c); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("half a body was answered %d: %s", a.status, a.body)
		}
	}
	a := <-answered
	results := lines(a.body)
	if a.status != http.StatusAccepted || len(results) < 2 || strings.Contains(string(results[len(results)-2]), "error") ||
		!strings.Contains(string(results[len(results)-1]), `"overloaded"`) {
		t.Errorf("the batch was answered %d with %d results: ...%s", a.status, len(results), a.body[max(0, len(a.body)-500):])
	}
}

func dial(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, text)
	must(t, err)
	return c
}

// read reads an answer; without one it returns a zero answer.
func read(t *testing.T, c net.Conn) answer {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Errorf("no answer: %v", err)
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("read answer: %v", err)
	}
	return answer{resp.StatusCode, resp.Header, raw}
}
