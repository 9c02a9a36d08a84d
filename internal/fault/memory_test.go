//go:build fault

package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
)

const (
	serveMemory     = 200 << 20
	posters         = 8
	slowConnections = 1000
	unreadAnswers   = 100
	unreadStreams   = 20 // as many as a key may have
	attackTime      = 30 * time.Second
)

// worstBody is a request that costs much memory, and the status of its answer.
type worstBody struct {
	path, contentType string
	body              []byte
	want              int
	seen              map[int]int
}

// worstBodies returns the bodies that cost serve the most; callbacks come to the
// path callback.
func worstBodies(callback string) []worstBody {
	long := strings.Repeat("x", 4_000)
	name := strings.Repeat("n", 60_000)
	var lines, faulty bytes.Buffer
	for lines.Len() < 60<<20 {
		fmt.Fprintf(&lines, `{"to":"+15550000100","type":"text","text":{"body":%q}}`+"\n", long)
	}
	for i := 0; faulty.Len() < 60<<20 && i < 100_000; i++ {
		fmt.Fprintf(&faulty, `{"to":1,"type":2,%q:3,"text":4}`+"\n", name[:600])
	}
	list := bytes.ReplaceAll(bytes.TrimSpace(faulty.Bytes()), []byte("\n"), []byte(","))
	page := append(append([]byte(`{"messages":[`), list...), `]}`...)
	one := []byte(fmt.Sprintf(`{"to":"+15550000100","type":"text","text":{"body":%q}}`, strings.Repeat("x", 1<<20-200)))
	deep := []byte(`{"name":"x","components":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + `}`)
	many := []byte(`{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 170_000), ",") + `}`)
	const ndjson, plain = "application/x-ndjson", "application/json"
	return []worstBody{
		{"/v1/messages/batch", ndjson, lines.Bytes(), http.StatusAccepted, map[int]int{}},
		{"/v1/messages/batch", ndjson, faulty.Bytes(), http.StatusAccepted, map[int]int{}},
		{"/v1/messages/batch", plain, page, http.StatusAccepted, map[int]int{}},
		{"/v1/messages", plain, one, http.StatusUnprocessableEntity, map[int]int{}},
		{"/v1/messages", plain, many, http.StatusUnprocessableEntity, map[int]int{}},
		{"/v1/templates", plain, deep, http.StatusBadRequest, map[int]int{}},
		{callback, plain, one, http.StatusUnauthorized, map[int]int{}},
	}
}

// serve stays small whatever is posted by eight clients at once, with a thousand
// connections that send nothing more, a hundred lists and twenty event streams
// that nobody reads, and answers others soon meanwhile.
func TestServe_WorstBodies_StaysBelow200MiB(t *testing.T) {
	s := start(t)
	s.Serve.Kill()
	s.Untraced() // spans of a tenth of the requests take 8 MiB more
	s.StartServe()
	bodies := worstBodies(s.callbackPath("meta"))
	s.fillList()
	address := strings.TrimPrefix(s.Dev.BaseURL, "http://")
	head := "Host: x\r\nAuthorization: Bearer " + s.Dev.APIKey + "\r\n"
	for range slowConnections {
		s.hold(address, "POST /v1/messages HTTP/1.1\r\n"+head+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	}
	for range unreadAnswers {
		s.hold(address, "GET /v1/messages?limit=1000 HTTP/1.1\r\n"+head+"\r\n")
	}
	for range unreadStreams {
		s.hold(address, "GET /v1/events HTTP/1.1\r\n"+head+"\r\n")
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(attackTime)
	for i := range posters {
		wg.Go(func() {
			for n := i; time.Now().Before(end); n++ {
				b := &bodies[n%len(bodies)]
				status := s.throw(b)
				mu.Lock()
				b.seen[status]++
				mu.Unlock()
			}
		})
	}
	var slowest time.Duration
	drill.Until(t, attackTime+time.Minute, "the attack is over", func() error {
		began := time.Now()
		if err := s.Get(s.Dev.BaseURL+"/healthz", nil); err != nil {
			t.Errorf("a request of somebody else: %v", err)
		}
		if slowest = max(slowest, time.Since(began)); time.Now().Before(end) {
			return errors.New("not yet")
		}
		return nil
	})
	wg.Wait()
	most := highest(t, s.Serve.PID())
	for _, b := range bodies {
		b.seen[s.throw(&b)]++ // alone it is not turned away
		b.check(t)
	}
	s.Serve.Kill() // what it has still to write is no part of this test
	t.Logf("serve used at most %d MiB; the slowest /healthz took %s", most>>20, slowest.Round(time.Millisecond))
	if most > serveMemory {
		t.Errorf("serve used %d MiB, at most %d are allowed", most>>20, serveMemory>>20)
	}
	if slowest > 5*time.Second {
		t.Errorf("a request of somebody else took %s", slowest)
	}
}

// hold opens a connection, sends text and leaves it open.
func (s *stack) hold(address, text string) {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
}

// check fails unless the body was answered as it must be. A body may also be cut
// off, or turned away while serve is busy.
func (b *worstBody) check(t *testing.T) {
	t.Helper()
	t.Logf("%s, %d bytes: %v", b.path, len(b.body), b.seen)
	if b.seen[b.want] == 0 {
		t.Errorf("%s, %d bytes: never answered %d", b.path, len(b.body), b.want)
	}
	for status, n := range b.seen {
		if status != 0 && status != b.want && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			t.Errorf("%s, %d bytes: %d times %d", b.path, len(b.body), n, status)
		}
	}
}

// callbackPath returns where a channel of the provider is called back.
func (s *stack) callbackPath(provider string) string {
	s.t.Helper()
	var list struct {
		Data []struct {
			Provider    string `json:"provider"`
			CallbackURL string `json:"callback_url"`
		} `json:"data"`
	}
	s.Ask(http.MethodGet, "/v1/channels", "application/json", nil, &list)
	for _, c := range list.Data {
		if c.Provider == provider {
			u, err := url.Parse(c.CallbackURL)
			if err != nil {
				s.t.Fatal(err)
			}
			return u.Path
		}
	}
	s.t.Fatalf("no channel of %s in %+v", provider, list)
	return ""
}

// fillList accepts messages of the longest text for a full page of a list.
func (s *stack) fillList() {
	s.t.Helper()
	line := fmt.Sprintf(`{"to":"+15550000100","type":"text","text":{"body":%q}}`+"\n", strings.Repeat("x", 4_000))
	s.Ask(http.MethodPost, "/v1/messages/batch", "application/x-ndjson", []byte(strings.Repeat(line, 1000)), nil)
	var list struct {
		Data []json.RawMessage `json:"data"`
		Next string            `json:"next_cursor"`
	}
	s.Ask(http.MethodGet, "/v1/messages?limit=1000", "application/json", nil, &list)
	if len(list.Data) < 200 || list.Next == "" {
		s.t.Fatalf("%d messages in the list that is not read, next_cursor %q", len(list.Data), list.Next)
	}
}

// throw posts b and returns the status of the answer, 0 if the connection was
// closed before the body was read.
func (s *stack) throw(b *worstBody) int {
	req, err := http.NewRequest(http.MethodPost, s.Dev.BaseURL+b.path, bytes.NewReader(b.body))
	if err != nil {
		s.t.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+s.Dev.APIKey)
	req.Header.Set("Content-Type", b.contentType)
	resp, err := (&http.Client{Timeout: 5 * time.Minute}).Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// highest returns the most memory that a process has had, in bytes.
func highest(t *testing.T, pid int) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("the memory of a process is read from /proc: %v", err)
	}
	for line := range strings.Lines(string(raw)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
