package clitest

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Front is a running Sendoff with one channel at an emulator, the template of
// OrderTemplate and an API key.
type Front struct {
	*Place
	args []string // that name address and key
}

// NewFront starts serve and work on a database of their own.
func NewFront(t *testing.T, run Run) *Front {
	t.Helper()
	p := New(t, run)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{
		ProviderAllow: config.Networks{netip.MustParsePrefix("127.0.0.0/8")}, PostgresURL: config.Secret(p.URL),
		RedisURL: config.Secret(storetest.Redis(t)), SecretKey: SecretKey, PublicURL: "http://" + listen, WebhookLocal: true,
		PostgresConns: 8, ShutdownGrace: 2 * time.Second,
	}
	p.EmulatedAt(cfg.PublicURL)
	p.OK(OrderTemplate, "template", "create", "-")
	log := slog.New(slog.DiscardHandler)
	w, err := app.Work(cfg, "", cfg.PublicURL, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Stop() })
	s, err := app.Serve(cfg, listen, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	k := Read[struct{ Key string }](t, p.OK("", "key", "create", "--name", "cli", "--permission", allPermissions, "--json"))
	return &Front{p, []string{"--url", cfg.PublicURL, "--key-file", KeyFile(t, k.Key)}}
}

const allPermissions = "send_template,send_text,send_media,view_templates,view_messages,manage,credits"

// KeyFile writes an API key to a file and returns its name.
func KeyFile(t *testing.T, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// With returns the same Sendoff, called with another API key.
func (f *Front) With(key string) *Front {
	f.T.Helper()
	return &Front{f.Place, []string{f.args[0], f.args[1], "--key-file", KeyFile(f.T, key)}}
}

// Flags returns the flags that name the address and the key.
func (f *Front) Flags() []string { return f.args }

// Call runs a command that calls the API.
func (f *Front) Call(args ...string) Result { return f.Run.Do("", append(args, f.args...)...) }

// Good is Call for a command that must succeed.
func (f *Front) Good(args ...string) Result {
	f.T.Helper()
	r := f.Call(args...)
	if r.Code != 0 {
		f.T.Fatalf("sendoff %v: code %d: %s%s", args, r.Code, r.Out, r.Err)
	}
	return r
}
