package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// valid returns a configuration without faults.
func valid() Config {
	return Config{
		PostgresURL: "postgres://u:p@127.0.0.1/sendoff?sslmode=disable", RedisURL: "redis://127.0.0.1:6379/0", SecretKey: "sixteen letters.",
		PostgresConns: 2,
	}
}

func TestValidate_NamesEveryFault(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"": func(*Config) {},
		"postgres-url (SENDOFF_POSTGRES_URL): is required":                   func(c *Config) { c.PostgresURL = "" },
		"postgres-url (SENDOFF_POSTGRES_URL): must look like postgres://":    func(c *Config) { c.PostgresURL = "mysql://x" },
		"postgres-url (SENDOFF_POSTGRES_URL): must look like postgres:// ":   func(c *Config) { c.PostgresURL = "postgres://%zz" },
		"postgres-url (SENDOFF_POSTGRES_URL): must have sslmode":             func(c *Config) { c.PostgresURL = "postgresql://u@h/db" },
		"redis-url (SENDOFF_REDIS_URL): is required":                         func(c *Config) { c.RedisURL = "" },
		"secret-key (SENDOFF_SECRET_KEY): must have at least 16 characters":  func(c *Config) { c.SecretKey = "fifteen letters" },
		"secret-key (SENDOFF_SECRET_KEY): must have at least 16 characters ": func(c *Config) { c.SecretKey = "sixteen letters.,old" },
		"public-url (SENDOFF_PUBLIC_URL): must look like https://host":       func(c *Config) { c.PublicURL = "sendoff.example.com" },
		"emulator-url (SENDOFF_EMULATOR_URL): must look like https://host":   func(c *Config) { c.EmulatorURL = "ftp://host" },
		"traces-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT): must look like":      func(c *Config) { c.TracesEndpoint = "collector:4317" },
		"postgres-conns (SENDOFF_POSTGRES_CONNS): must be at least 2":        func(c *Config) { c.PostgresConns = 1 },
	} {
		c := valid()
		change(&c)
		err := c.Validate(true)
		if got := fmt.Sprint(err); (want == "") != (err == nil) ||
			(err != nil && (!strings.HasPrefix(got, strings.TrimSpace(want)) || strings.Contains(got, "\n"))) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if lines := strings.Split((&Config{PublicURL: "x", EmulatorURL: "y"}).Validate(true).Error(), "\n"); len(lines) != 6 ||
		!strings.HasPrefix(lines[3], "public-url") ||
		!strings.HasPrefix(lines[4], "emulator-url") {
		t.Errorf("lines %q", lines)
	}
}

func TestValidate_RedisOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	c := valid()
	c.RedisURL = ""
	if err := c.Validate(false); err != nil {
		t.Error(err)
	}
}

func TestSecret_IsNotPrinted(t *testing.T) {
	t.Parallel()
	c := valid()
	for _, format := range []string{"%v", "%+v", "%s"} {
		if got := fmt.Sprintf(format, c); strings.Contains(got, "sixteen") || strings.Contains(got, "u:p@") {
			t.Errorf("%s prints %s", format, got)
		}
	}
	if Secret("").String() != "" || Secret("x").String() != "***" {
		t.Error("an empty secret must look empty, any other must not be shown")
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ public, listen, want string }{
		{"https://sendoff.example.com/", ":8080", "https://sendoff.example.com"},
		{"", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"", ":8080", "http://" + host + ":8080"},
		{"", "0.0.0.0:80", "http://" + host + ":80"},
		{"", "[::]:80", "http://" + host + ":80"},
		{"", "[::1]:80", "http://[::1]:80"},
		{"", "sendoff.sock", "http://sendoff.sock"},
	} {
		if got := (&Config{PublicURL: c.public}).Public(c.listen); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestKeysAndMigrationURL(t *testing.T) {
	t.Parallel()
	c := valid()
	if c.MigrationURL() != string(c.PostgresURL) {
		t.Errorf("migrations at %s", c.MigrationURL())
	}
	if c.PostgresDirectURL = "postgres://direct/x?sslmode=disable"; c.MigrationURL() != "postgres://direct/x?sslmode=disable" {
		t.Errorf("migrations at %s", c.MigrationURL())
	}
	if c.SecretKey = "the new one,the old one"; !reflect.DeepEqual(c.SecretKeys(), []string{"the new one", "the old one"}) {
		t.Errorf("keys %q", c.SecretKeys())
	}
}

// Every help text that a tag names exists, and every text is named.
func TestHelp_IsThatOfTheTags(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if key, ok := strings.CutPrefix(f.Tag.Get("help"), "${"); ok {
			named[strings.TrimSuffix(key, "}")] = true
		}
	}
	for key := range named {
		if Help[key] == "" {
			t.Errorf("no text for %s", key)
		}
	}
	for key, text := range Help {
		if !named[key] || !strings.HasSuffix(text, ".") {
			t.Errorf("%s: named %v, %q", key, named[key], text)
		}
	}
}
