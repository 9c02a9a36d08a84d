package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/wait"
)

// output collects what a running command prints.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// command is a command that runs until it is stopped.
type command struct {
	t    *testing.T
	out  output
	stop context.CancelFunc
	done chan error
}

// start starts a command as Run does, but for the signals.
func start(t *testing.T, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{t: t, stop: cancel, done: make(chan error, 1)}
	parser, err := newParser(&c.out, &c.out, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c.done <- k.Run(&console.Env{Ctx: ctx, Stdin: strings.NewReader(""), Stdout: &c.out, Stderr: &c.out})
	}()
	t.Cleanup(cancel)
	return c
}

// prints waits until the command has printed text.
func (c *command) prints(text string) {
	c.t.Helper()
	wait.For(c.t, time.Minute, func() error {
		select {
		case err := <-c.done:
			c.t.Fatalf("ended: %v: %s", err, c.out.String())
		default:
		}
		if !strings.Contains(c.out.String(), text) {
			return fmt.Errorf("no %q in %q", text, c.out.String())
		}
		return nil
	})
}

// end stops the command, which must end without an error.
func (c *command) end() {
	c.t.Helper()
	c.stop()
	select {
	case err := <-c.done:
		if err != nil {
			c.t.Errorf("ended with %v: %s", err, c.out.String())
		}
	case <-time.After(time.Minute):
		c.t.Fatalf("did not end: %s", c.out.String())
	}
}

// readDev reads dev.json, which only its owner may read.
func readDev(t *testing.T, dir string) (f devFile) {
	t.Helper()
	for _, name := range []string{"dev.json", "dev.env", "secret.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// deliver sends a message and waits until the emulator has delivered it.
func deliver(t *testing.T, f devFile) (id string) {
	t.Helper()
	var sent struct {
		ID string `json:"message_id"`
	}
	body := `{"to":"+15550000100","type":"template","template":{"name":"hello_world","language":"en"}}`
	if status := call(t, f, http.MethodPost, "/v1/messages", body, &sent); status != http.StatusAccepted {
		t.Fatalf("send: %d", status)
	}
	wait.For(t, time.Minute, func() error {
		if got := state(t, f, sent.ID); got != "delivered" && got != "read" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	return sent.ID
}

func state(t *testing.T, f devFile, id string) string {
	t.Helper()
	var m struct {
		Status string `json:"status"`
	}
	call(t, f, http.MethodGet, "/v1/messages/"+id, "", &m)
	return m.Status
}

func call(t *testing.T, f devFile, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.BaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode
}

// dev starts and stops cleanly; a second start keeps data, keys and password, and
// dev.env is enough for serve and work.
func TestDev_StartsStopsAndKeepsItsData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := start(t, "dev", "--dir", dir, "--listen", "127.0.0.1:0")
	d.prints("Ctrl-C stops everything.")
	first := readDev(t, dir)
	for _, want := range []string{
		first.Dashboard.URL, first.Dashboard.Email, first.Dashboard.Password, first.BaseURL, first.EmulatorURL,
		"curl -sS " + first.BaseURL + "/v1/messages", "Bearer " + first.APIKey,
	} {
		if want == "" || !strings.Contains(d.out.String(), want) {
			t.Errorf("%q is not in %s", want, d.out.String())
		}
	}
	if len(first.Channels) == 0 || len(first.Templates) == 0 || len(first.Users) == 0 || len(first.ContactLists) != 1 {
		t.Errorf("dev.json: %+v", first)
	}
	message := deliver(t, first)
	d.end()
	if !strings.HasSuffix(d.out.String(), "stopping\n") {
		t.Errorf("it printed %s", d.out.String())
	}

	address := strings.TrimPrefix(first.BaseURL, "http://")
	infra := start(t, "dev", "--dir", dir, "--listen", address, "--infra-only")
	infra.prints("Ctrl-C stops everything.")
	second := readDev(t, dir)
	if second.BaseURL != first.BaseURL || second.APIKey != first.APIKey || second.TestAPIKey != first.TestAPIKey ||
		second.Dashboard != first.Dashboard || len(second.Channels) != len(first.Channels) {
		t.Errorf("the second start has %+v, the first %+v", second, first)
	}
	if !strings.Contains(infra.out.String(), filepath.Join(dir, "dev.env")) {
		t.Errorf("it printed %s", infra.out.String())
	}
	setEnv(t, filepath.Join(dir, "dev.env"))
	serve, work := start(t, "serve", "--log-level", "info"), start(t, "work", "--log-level", "info")
	serve.prints("role=serve")
	work.prints("role=work")
	if got := state(t, second, message); got != "delivered" && got != "read" {
		t.Errorf("the message of the first start is %q", got)
	}
	deliver(t, second)
	for _, c := range []*command{serve, work} {
		c.end()
		if !strings.Contains(c.out.String(), "stopped, 0 calls open") {
			t.Errorf("it logged %s", c.out.String())
		}
	}
	infra.end()
}

// setEnv sets the variables of an environment file for the rest of the test.
func setEnv(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && value != "" {
			t.Setenv(name, value)
		}
	}
}

// An address in use is the likeliest fault: it is named before anything starts.
func TestDev_AddressInUse(t *testing.T) {
	t.Parallel()
	d := start(t, "emulate", "--listen", "127.0.0.1:0")
	d.prints("register channels with PUT /_emulator/channels")
	_, rest, _ := strings.Cut(d.out.String(), "http://")
	address, _, _ := strings.Cut(rest, "\n")
	dir := t.TempDir()
	sendoff("", "dev", "--dir", dir, "--listen", address).MustFail(t, 2, address+" is in use")
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("it left %v, %v", names, err)
	}
	d.end()
}

// An emulator that others can reach wants a token.
func TestEmulate_TokenOutsideLoopback(t *testing.T) {
	t.Parallel()
	sendoff("", "emulate", "--listen", "0.0.0.0:0").MustFail(t, 2, "SENDOFF_EMULATOR_TOKEN")
	sendoff("", "emulate", "--listen", "nowhere").MustFail(t, 2, "--listen")
}

// The printed description is that of the API at the address.
func TestOpenAPI_Prints(t *testing.T) {
	t.Parallel()
	r := sendoff("", "openapi", "--server", "https://sendoff.example.com")
	var spec struct {
		OpenAPI string                    `json:"openapi"`
		Servers []struct{ URL string }    `json:"servers"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(r.Out), &spec); err != nil || r.Code != 0 {
		t.Fatalf("code %d: %v: %s", r.Code, err, r.Err)
	}
	if len(spec.Servers) != 1 || spec.Servers[0].URL != "https://sendoff.example.com" || spec.Paths["/v1/messages"]["post"] == nil {
		t.Errorf("servers %v, %d paths", spec.Servers, len(spec.Paths))
	}
}
