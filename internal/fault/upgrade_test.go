//go:build fault

package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/storetest"
)

// former is the commit from whose schema of seven migrations the test upgrades.
const former = "cfb3a55e68d2"

// formerBinary returns SENDOFF_FAULT_BEFORE, a build of the former commit, or builds one.
func formerBinary(t *testing.T) string {
	t.Helper()
	file := os.Getenv("SENDOFF_FAULT_BEFORE")
	switch {
	case file == "":
		return storetest.Binary(t, root(t), former)
	case !filepath.IsAbs(file):
		return filepath.Join(root(t), file)
	}
	return file
}

// waits is the channel that is paused, so that messages wait on it.
const waits = 2

// What a message of the upgrade is to become.
const (
	goesOut   = "delivered"
	isRefused = "failed"
	isLater   = "scheduled"
	isPaused  = "queued"
)

// noted is a message that was answered 202.
type noted struct{ id, to, becomes string }

// upgrade is an installation of two serve and two work that is upgraded under load.
type upgrade struct {
	*stack
	former string // binary
	began  time.Time
	fronts [2]string
	serve  [2]*drill.Process
	work   [2]*drill.Process
	lost   int
	load   *load
	rest   *reading // what the former binary read

	mu   sync.Mutex
	bulk []noted // sent in batches: those that filled the database, and later ones

	filled int // how many fill the database
}

// Upgrade, way back, upgrade again and contract, each under load and with a database full of messages of the former schema,
// lose nothing, send nothing twice unseen, and read all messages as they were.
func TestUpgrade_AndBack_UnderLoad(t *testing.T) {
	n := max(int(number(t, "SENDOFF_FAULT_MESSAGES", 100_000)), 2000)
	u := &upgrade{former: formerBinary(t), began: time.Now()}
	u.stack = &stack{drill.StartServers(t, u.former), t}
	u.Untraced()                                           // the former binary has no traces
	u.Set("SENDOFF_PROVIDER_ALLOW", "127.0.0.0/8,::1/128") // of which it knows nothing either
	u.Set("SENDOFF_METRICS_OPEN", "true")
	u.exec(`UPDATE api_keys SET per_day = 100000000`) // the demo's are a million
	u.fronts = [2]string{u.Dev.BaseURL, "http://" + free(t)}
	u.start(u.former)
	u.fill(n)
	u.rest = u.read("the former binary", nil)

	u.load = u.send()
	u.phase("former binary, former schema", func() { u.pass(10 * time.Second) })
	u.phase("migrate up", u.migrate)
	u.phase("former binary, new schema", func() { u.pass(10 * time.Second) })
	u.phase("upgrade", func() { u.roll(binary) })
	u.phase("new binary", func() { u.resume(); u.pass(10 * time.Second) })
	u.verify("upgrade", true)

	u.load = u.send()
	u.wait(n / 100)
	u.phase("way back", func() { u.roll(u.former) })
	u.phase("former binary again", func() { u.resume(); u.pass(10 * time.Second) })
	u.verify("way back", true)

	u.load = u.send()
	u.wait(n / 100)
	u.phase("upgrade again", func() { u.roll(binary) })
	u.phase("migrate contract", func() { u.run("migrate", "contract"); u.resume(); u.pass(5 * time.Second) })
	u.phase("contracted", func() { u.backlog(max(n/100, 1000)); u.pass(10 * time.Second) })
	u.verify("contract", true)

	u.load = u.send()
	u.phase("contract --undo", func() { u.backlog(max(n/100, 1000)); u.undo() })
	u.phase("way back after contract", func() { u.roll(u.former); u.pass(10 * time.Second) })
	u.rate(10_000)
	u.verify("way back after contract", false)
}

// say notes what a step took.
func (u *upgrade) say(format string, args ...any) {
	u.t.Logf("%6.1f s  %s", time.Since(u.began).Seconds(), fmt.Sprintf(format, args...))
}

// phase runs a part of the upgrade, and prints what the requests meanwhile took.
func (u *upgrade) phase(name string, f func()) {
	u.t.Helper()
	u.load.begin(name)
	began := time.Now()
	f()
	u.say("%s: %.1f s; %s", name, time.Since(began).Seconds(), u.load.end())
}

// pass lets some time of the load pass.
func (u *upgrade) pass(d time.Duration) {
	u.t.Helper()
	over := time.Now().Add(d)
	drill.Until(u.t, d+time.Minute, "time passes", func() error {
		if time.Now().Before(over) {
			return errors.New("not yet")
		}
		return nil
	})
}

// start starts two serve and two work of a binary.
func (u *upgrade) start(binary string) {
	u.Use(binary)
	for i := range u.serve {
		u.startServe(i)
		u.startWork(i)
	}
}

func (u *upgrade) startServe(i int) {
	u.t.Helper()
	args := []string{"serve"}
	if i > 0 {
		args = append(args, "--listen", strings.TrimPrefix(u.fronts[i], "http://"))
	}
	u.serve[i] = u.Launch(fmt.Sprintf("serve%d", i+1), args...)
	drill.Until(u.t, time.Minute, "serve ready", func() error { return u.Get(u.fronts[i]+"/readyz", nil) })
}

func (u *upgrade) startWork(i int) { u.work[i] = u.Launch(fmt.Sprintf("work%d", i+1), "work") }

// roll replaces every work, then every serve, by those of a binary. The first work is killed.
func (u *upgrade) roll(binary string) {
	u.t.Helper()
	u.Use(binary)
	for i, old := range u.work {
		if i == 0 {
			old.Kill()
		} else {
			old.Old()
			old.Terminate(30 * time.Second)
		}
		u.startWork(i)
	}
	for i, old := range u.serve {
		old.Old()
		old.Terminate(30 * time.Second)
		u.startServe(i)
	}
}

// migrate brings the schema up to date, with the new binary.
func (u *upgrade) migrate() {
	u.t.Helper()
	cmd := exec.CommandContext(u.t.Context(), binary, "migrate", "up")
	cmd.Env = u.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		u.t.Fatalf("migrate up: %v: %s", err, out)
	}
	u.t.Logf("%d migrations applied", strings.Count(string(out), "applied "))
}

// undo opens the way back. A busy database may interrupt it; it is repeated then.
func (u *upgrade) undo() {
	u.t.Helper()
	drill.Until(u.t, 5*time.Minute, "migrate contract --undo", func() error {
		cmd := exec.CommandContext(u.t.Context(), binary, "migrate", "contract", "--undo")
		cmd.Env = u.Environ()
		out, err := cmd.CombinedOutput()
		u.t.Logf("migrate contract --undo: %v: %s", err, bytes.TrimSpace(out))
		return err
	})
}

// message returns the line of message i in a batch, and what it becomes.
func message(i int) (line string, m noted) {
	content := fmt.Sprintf(`"type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-%d","9.90"]}`, i)
	m = noted{to: drill.Recipient(i), becomes: goesOut}
	switch {
	case i%1250 == 13:
		m = noted{to: fmt.Sprintf("+1555%03d0104", 200+i/1250%800), becomes: isRefused}
	case i%50 == 7:
		m.becomes = isLater
		content += `,"send_at":"2035-01-01T00:00:00Z"`
	case i%50 == 11:
		m.becomes = isPaused
		content = fmt.Sprintf(`"channel":%d,"type":"text","text":{"body":"Hello"}`, waits)
	}
	if i%2 == 0 {
		content += `,"lane":"bulk"`
	}
	return fmt.Sprintf(`{"to":%q,"reference":"upgrade-%d",%s}`, m.to, i, content), m
}

// fill accepts n messages and waits until the former worker has sent those that can be.
func (u *upgrade) fill(n int) {
	u.t.Helper()
	u.Configure(`{"record":false,"callback_batch":50}`)
	u.pause()
	began := time.Now()
	for i := 0; i < n; {
		var lines []string
		var made []noted
		for ; len(lines) < 10_000 && i < n; i++ {
			line, m := message(i)
			lines, made = append(lines, line), append(made, m)
		}
		u.batch(lines, made)
		if i%100_000 == 0 {
			u.say("%d messages accepted in batches", i)
		}
	}
	u.say("%d messages accepted in %.0f s", n, time.Since(began).Seconds())
	u.filled = n
	_, maybe := u.settle(20 * time.Minute)
	u.Configure(`{"callback_batch":1}`)
	c := u.count("")
	u.say("sent and delivered %.0f s after the first batch: %d copies for %d recipients, %d maybe_sent", time.Since(began).Seconds(),
		c.Count, c.Recipients, len(maybe))
}

// wait has n messages wait on the paused channel.
func (u *upgrade) wait(n int) {
	u.t.Helper()
	u.pause()
	u.more(n, isPaused)
	u.say("%d messages wait on a paused channel", n)
}

// backlog accepts n messages for a slow channel, and holds that they wait in pages: that the contract was noticed.
func (u *upgrade) backlog(n int) {
	u.t.Helper()
	u.rate(store.PagedRate)
	u.more(n, goesOut)
	var paged int
	storetest.Must(u.t, u.DB.QueryRow(`SELECT coalesce(sum(n), 0) FROM backlog`).Scan(&paged))
	if paged == 0 {
		u.t.Errorf("no message waits in a page after migrate contract")
	}
	u.say("%d messages accepted for a slow channel, %d wait in pages", n, paged)
}

// rate sets the rate of the channel on which messages wait.
func (u *upgrade) rate(perSecond int) {
	body := fmt.Appendf(nil, `{"policy":{"rate":%d}}`, perSecond)
	u.Ask(http.MethodPatch, fmt.Sprintf("/v1/channels/%d", waits), "application/json", body, nil)
}

// more accepts n further messages on that channel.
func (u *upgrade) more(n int, becomes string) {
	u.t.Helper()
	lines, made := make([]string, n), make([]noted, n)
	for i := range made {
		made[i] = noted{to: drill.Recipient(len(u.bulk) + i), becomes: becomes}
		lines[i] = fmt.Sprintf(`{"to":%q,"channel":%d,"type":"text","text":{"body":"Hello"}}`, made[i].to, waits)
	}
	u.batch(lines, made)
}

func (u *upgrade) pause() {
	u.Ask(http.MethodPost, fmt.Sprintf("/v1/channels/%d/pause", waits), "application/json", []byte(`{}`), nil)
}

// resume lets what waits on the paused channel go.
func (u *upgrade) resume() {
	u.Ask(http.MethodPost, fmt.Sprintf("/v1/channels/%d/resume", waits), "application/json", []byte(`{}`), nil)
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.bulk {
		if u.bulk[i].becomes == isPaused {
			u.bulk[i].becomes = goesOut
		}
	}
}

// batch accepts lines and notes their messages.
func (u *upgrade) batch(lines []string, made []noted) {
	u.t.Helper()
	body := strings.NewReader(strings.Join(lines, "\n"))
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.Dev.BaseURL+"/v1/messages/batch", body)
	storetest.Must(u.t, err)
	req.Header.Set("Authorization", "Bearer "+u.Dev.APIKey)
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	storetest.Must(u.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	storetest.Must(u.t, err)
	answers := json.NewDecoder(bytes.NewReader(raw))
	for range lines {
		var a struct {
			Index int    `json:"index"`
			ID    string `json:"message_id"`
		}
		if err := answers.Decode(&a); err != nil || a.ID == "" {
			u.t.Fatalf("line %d of a batch: %v in %.300s", a.Index, err, raw)
		}
		made[a.Index].id = a.ID
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bulk = append(u.bulk, made...)
}
