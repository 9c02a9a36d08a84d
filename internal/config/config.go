// Package config holds the settings of serve, work and doctor, and checks them.
// They come from a YAML file, environment variables and flags, in rising order
// of precedence: package cli reads them.
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

// Secret is a setting that is not printed.
type Secret string

// String returns *** in place of the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// Config has a field for each setting: a flag, an environment variable and a key
// of the YAML file. configs/sendoff.yaml documents them.
type Config struct {
	PostgresURL       Secret        `env:"SENDOFF_POSTGRES_URL" help:"${config_postgresurl}" placeholder:"URL"`
	PostgresDirectURL Secret        `env:"SENDOFF_POSTGRES_DIRECT_URL" help:"${config_postgresdirecturl}" placeholder:"URL"`
	RedisURL          Secret        `env:"SENDOFF_REDIS_URL" help:"${config_redisurl}" placeholder:"URL"`
	SecretKey         Secret        `env:"SENDOFF_SECRET_KEY" help:"${config_secretkey}" placeholder:"TEXT"`
	PublicURL         string        `env:"SENDOFF_PUBLIC_URL" help:"${config_publicurl}" placeholder:"URL"`
	EmulatorURL       string        `env:"SENDOFF_EMULATOR_URL" help:"${config_emulatorurl}" placeholder:"URL"`
	LogLevel          string        `env:"SENDOFF_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"${config_loglevel}"`
	LogFormat         string        `env:"SENDOFF_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`
	PostgresConns     int           `env:"SENDOFF_POSTGRES_CONNS" default:"16" help:"${config_postgresconns}"`
	ShutdownGrace     time.Duration `env:"SENDOFF_SHUTDOWN_GRACE" default:"25s" help:"${config_shutdowngrace}"`
	ProviderAllow     Networks      `env:"SENDOFF_PROVIDER_ALLOW" help:"${config_providerallow}" placeholder:"NETWORKS"`
	MetricsListen     HostPort      `env:"SENDOFF_METRICS_LISTEN" help:"${config_metricslisten}" placeholder:"HOST:PORT"`
	MetricsToken      Secret        `env:"SENDOFF_METRICS_TOKEN" help:"${config_metricstoken}" placeholder:"TEXT"`
	MetricsOpen       bool          `env:"SENDOFF_METRICS_OPEN" help:"${config_metricsopen}"`
	WebhookLocal      bool          `name:"webhook-allow-loopback" env:"SENDOFF_WEBHOOK_ALLOW_LOOPBACK" help:"${config_webhooklocal}"`

	// The other variables of OpenTelemetry are read by its SDK.
	TracesEndpoint   string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"${config_tracesendpoint}" placeholder:"URL"`
	TracesSampler    string `env:"OTEL_TRACES_SAMPLER" help:"${config_tracessampler}" placeholder:"NAME"`
	TracesSamplerArg string `env:"OTEL_TRACES_SAMPLER_ARG" help:"${config_tracessamplerarg}" placeholder:"RATIO"`

	// The login with which sendoff dev fills in the sign-in page; no setting.
	DashboardEmail    string `kong:"-"`
	DashboardPassword Secret `kong:"-"`
}

// Validate returns an error with a line for each missing or invalid setting.
// Redis is required if needRedis.
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
		bad("postgres-url", "SENDOFF_POSTGRES_URL", "must have sslmode=verify-full, require or disable")
	}
	if needRedis && c.RedisURL == "" {
		bad("redis-url", "SENDOFF_REDIS_URL", "is required")
	}
	for k := range strings.SplitSeq(string(c.SecretKey), ",") {
		if len(k) < 16 {
			bad("secret-key", "SENDOFF_SECRET_KEY", "must have at least 16 characters; create one with: openssl rand -base64 32")
		}
	}
	if !isAddress(c.PublicURL) {
		bad("public-url", "SENDOFF_PUBLIC_URL", "must look like https://host")
	}
	if !isAddress(c.EmulatorURL) {
		bad("emulator-url", "SENDOFF_EMULATOR_URL", "must look like https://host")
	}
	if !isAddress(c.TracesEndpoint) {
		bad("traces-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "must look like http://host:4318")
	}
	if c.PostgresConns < 2 {
		bad("postgres-conns", "SENDOFF_POSTGRES_CONNS", "must be at least 2")
	}
	return errors.Join(errs...)
}

// isAddress reports whether s is an http or https URL with a host, or empty.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return s == "" || (err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"))
}

// MigrationURL returns the address of Postgres for migrations.
func (c *Config) MigrationURL() string { return string(cmp.Or(c.PostgresDirectURL, c.PostgresURL)) }

// SecretKeys returns the keys that encrypt credentials, the newest first.
func (c *Config) SecretKeys() []string { return strings.Split(string(c.SecretKey), ",") }

// Public returns PublicURL without a trailing slash. If it is not set, it returns
// an http address for listen: its host, or the name of this machine if it listens
// on all addresses.
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
