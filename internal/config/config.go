// Package config is what an operator sets: one YAML file, environment variables
// and flags, in rising order of precedence. An unknown key or a bad value stops
// the start.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Secret is a value that never prints.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// Config is every setting. Each field is a flag, an environment variable and a
// key of the YAML file (configs/sendoff.yaml documents them).
type Config struct {
	PostgresURL       Secret        `name:"postgres-url" env:"SENDOFF_POSTGRES_URL" help:"Postgres, as postgres://user:password@host:5432/sendoff?sslmode=verify-full." placeholder:"URL"`
	PostgresDirectURL Secret        `name:"postgres-direct-url" env:"SENDOFF_POSTGRES_DIRECT_URL" help:"Postgres without a pooler in between, for migrations. Empty: postgres-url." placeholder:"URL"`
	RedisURL          Secret        `name:"redis-url" env:"SENDOFF_REDIS_URL" help:"Redis, as redis://host:6379/0, redis-cluster://h1:6379,h2:6379 or redis-sentinel://s1:26379,s2:26379/master." placeholder:"URL"`
	SecretKey         Secret        `name:"secret-key" env:"SENDOFF_SECRET_KEY" help:"Seals provider credentials at rest: any text of 16 characters or more. To rotate, put the new one first and the old one after a comma." placeholder:"TEXT"`
	PublicURL         string        `name:"public-url" env:"SENDOFF_PUBLIC_URL" help:"How providers and customers reach serve, as https://sendoff.example.com." placeholder:"URL"`
	EmulatorURL       string        `name:"emulator-url" env:"SENDOFF_EMULATOR_URL" help:"Where messages of test keys go. Empty: an emulator inside work." placeholder:"URL"`
	LogLevel          string        `name:"log-level" env:"SENDOFF_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	LogFormat         string        `name:"log-format" env:"SENDOFF_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`
	PostgresConns     int           `name:"postgres-conns" env:"SENDOFF_POSTGRES_CONNS" default:"16" help:"Connections to Postgres of one process."`
	ShutdownGrace     time.Duration `name:"shutdown-grace" env:"SENDOFF_SHUTDOWN_GRACE" default:"25s" help:"How long a stopping worker waits for open provider calls before it cuts them."`
	WebhookLocal      bool          `name:"webhook-allow-loopback" env:"SENDOFF_WEBHOOK_ALLOW_LOOPBACK" help:"Let webhooks go to loopback addresses (development only)."`
}

// Validate says everything that is wrong, one line each.
func (c *Config) Validate(needRedis bool) error {
	var errs []error
	bad := func(name, env, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s (%s): %s", name, env, fmt.Sprintf(format, args...)))
	}
	if c.PostgresURL == "" {
		bad("postgres-url", "SENDOFF_POSTGRES_URL", "is required")
	} else if UnescapedSlash(string(c.PostgresURL)) {
		bad("postgres-url", "SENDOFF_POSTGRES_URL", "%s", SlashAdvice)
	} else if u, err := url.Parse(string(c.PostgresURL)); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		bad("postgres-url", "SENDOFF_POSTGRES_URL", "must look like postgres://user:password@host:5432/sendoff?sslmode=verify-full")
	} else if u.Query().Get("sslmode") == "" {
		bad("postgres-url", "SENDOFF_POSTGRES_URL", "must say sslmode=verify-full, require or disable")
	}
	if needRedis && c.RedisURL == "" {
		bad("redis-url", "SENDOFF_REDIS_URL", "is required")
	}
	for k := range strings.SplitSeq(string(c.SecretKey), ",") {
		if len(k) < 16 {
			bad("secret-key", "SENDOFF_SECRET_KEY", "must have at least 16 characters; make one with: openssl rand -base64 32")
		}
	}
	for name, v := range map[string]string{"public-url (SENDOFF_PUBLIC_URL)": c.PublicURL, "emulator-url (SENDOFF_EMULATOR_URL)": c.EmulatorURL} {
		if u, err := url.Parse(v); v != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			errs = append(errs, fmt.Errorf("%s: must look like https://host", name))
		}
	}
	if c.PostgresConns < 2 {
		bad("postgres-conns", "SENDOFF_POSTGRES_CONNS", "must be at least 2")
	}
	return errors.Join(errs...)
}

// MigrationURL returns the address of Postgres for migrations.
func (c *Config) MigrationURL() string { return string(cmp.Or(c.PostgresDirectURL, c.PostgresURL)) }

// SecretKeys are the keys of the box, the newest first.
func (c *Config) SecretKeys() []string { return strings.Split(string(c.SecretKey), ",") }

// Public is PublicURL without a last slash, or what listen suggests when none
// is set.
func (c *Config) Public(listen string) string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "http://" + listen
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		if host, err = os.Hostname(); err != nil {
			host = "127.0.0.1"
		}
	}
	return "http://" + net.JoinHostPort(host, port)
}
