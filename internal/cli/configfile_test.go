package cli

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"github.com/sendoff/sendoff/internal/cli/clitest"
)

const documented = "../../configs/sendoff.yaml"

func parser(t *testing.T, c *cli) *kong.Kong {
	t.Helper()
	k, err := kong.New(c, kong.Vars{"version": "test"}, kong.PostBuild(setHelp))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// configFile writes a configuration for one test.
func configFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sendoff.yaml")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Every setting has an entry with its default, and every entry is a setting.
func TestConfigs_DocumentEverySettingWithItsDefault(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(documented)
	if err != nil {
		t.Fatal(err)
	}
	var entries map[string]any
	if err := yaml.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	known := configKeys(parser(t, newCLI()).Model.Node)
	for key, flag := range known {
		if _, ok := entries[key]; !ok {
			t.Errorf("%s (--%s) is not in %s", key, flag.Name, documented)
		}
	}
	values, err := readConfig(documented)
	if err != nil {
		t.Fatal(err)
	}
	for key := range entries {
		flag, ok := known[key]
		switch {
		case !ok:
			t.Errorf("%s is documented and is no setting", key)
		case flag.Default != values[key] && (flag.Default != "" || values[key] != "false"):
			t.Errorf("%s: documented %q, default %q", key, values[key], flag.Default)
		}
	}
}

func TestConfigs_EveryEntryLoads(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"serve"}, {"work"}, {"emulate"}, {"doctor"}, {"account", "list"}} {
		args := append([]string{"--config", documented}, command...)
		k := parser(t, newCLI())
		if err := useConfig(k, args); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Parse(args); err != nil {
			t.Errorf("%v: %v", command, err)
		}
	}
}

func TestConfigFile_Value_ReachesTheCommand(t *testing.T) {
	t.Parallel()
	file := configFile(
		t,
		"postgres_url: postgres://from-file/x?sslmode=disable",
		"postgres_conns: 7",
		"log_format: json",
		"shutdown_grace: 3s",
		"migrate: true",
		"listen: 127.0.0.1:9",
	)
	c := newCLI()
	k := parser(t, c)
	args := []string{"serve", "--config=" + file, "--postgres-conns", "8"}
	if err := useConfig(k, args); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		t.Fatal(err)
	}
	s := c.Serve
	if string(s.PostgresURL) != "postgres://from-file/x?sslmode=disable" || s.PostgresConns != 8 || s.LogFormat != "json" ||
		s.ShutdownGrace.Seconds() != 3 ||
		!s.Migrate ||
		s.Listen != "127.0.0.1:9" {
		t.Errorf("got %+v", s)
	}
}

// A number without quotes is the text that the environment would hold: a secret of
// digits is another one without its leading zero, or with its last digits rounded.
func TestReadConfig_Scalar_KeepsItsText(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"0123456701234567":            "0123456701234567",
		"0123456789012345":            "0123456789012345",
		"+4477009001234567":           "+4477009001234567",
		"12345678901234567890":        "12345678901234567890",
		"314159265358979323846264338": "314159265358979323846264338",
		"1234567890123456.50":         "1234567890123456.50",
		"2026-01-01":                  "2026-01-01",
		`"0123" # a comment`:          "0123",
		"'it''s'":                     "it's",
		"!!str 007":                   "007",
		">-\n  two\n  lines":          "two lines",
		"&a 007\nother: *a":           "007",
		"True":                        "True",
		"~":                           "",
		"null":                        "",
		"":                            "",
		`"~"`:                         "~",
	} {
		values, err := readConfig(configFile(t, "secret_key: "+written))
		got, ok := values["secret_key"]
		if err != nil || !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", written, got, err, want)
		}
		if other, ok := values["other"]; ok && other != want {
			t.Errorf("%s: alias is %q, want %q", written, other, want)
		}
	}
}

func TestConfigFile_Environment_OutranksFile(t *testing.T) {
	t.Setenv("SENDOFF_LOG_LEVEL", "error")
	t.Setenv("SENDOFF_CONFIG", configFile(t, "log_level: debug", "log_format: json"))
	c := newCLI()
	k := parser(t, c)
	if err := useConfig(k, []string{"serve"}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"serve"}); err != nil {
		t.Fatal(err)
	}
	if c.Serve.LogLevel != "error" || c.Serve.LogFormat != "json" {
		t.Errorf("level %s, format %s", c.Serve.LogLevel, c.Serve.LogFormat)
	}
}

// A wrong configuration stops the start with one line that names the fault.
func TestConfigFile_Fault_OneLineThatNamesIt(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"postgres_ulr: x":        `unknown key "postgres_ulr"`,
		"yes: true":              `unknown key "yes"`,
		"log_level: loud":        "--log-level",
		"shutdown_grace: long":   "--shutdown-grace",
		"postgres_conns: many":   "--postgres-conns",
		"migrate: perhaps":       "--migrate",
		"listen: [a, b]":         `key "listen"`,
		"listen: {host: a}":      `key "listen"`,
		"listen: a\n  b: [":      "read configuration",
		"public_url: not-an-url": "public-url",
	} {
		lines := []string{
			"postgres_url: postgres://127.0.0.1:1/x?sslmode=disable",
			"redis_url: redis://127.0.0.1:1/0",
			"secret_key: " + clitest.SecretKey,
			line,
		}
		r := sendoff("", "serve", "--config", configFile(t, lines...))
		if r.Code == 0 || !strings.Contains(r.Err, want) || strings.Count(r.Err, "\n") != 1 || strings.Contains(r.Err, clitest.SecretKey) {
			t.Errorf("%q: code %d: %s", line, r.Code, r.Err)
		}
	}
}

func TestConfigKeys_NoneIsACommandsOwnFlag(t *testing.T) {
	t.Parallel()
	keys := slices.Sorted(maps.Keys(configKeys(parser(t, newCLI()).Model.Node)))
	for _, k := range []string{"yes", "json", "to", "config"} {
		if slices.Contains(keys, k) {
			t.Errorf("%s can be set in the file", k)
		}
	}
}

// An empty variable is one that is not given: of every kind, also where the
// file or the default sets something.
func TestRun_EmptyVariables_CountAsNotGiven(t *testing.T) {
	for _, name := range []string{
		"SENDOFF_CONFIG", "SENDOFF_LISTEN", "SENDOFF_POSTGRES_CONNS", "SENDOFF_LOG_LEVEL", "SENDOFF_LOG_FORMAT",
		"SENDOFF_SHUTDOWN_GRACE", "SENDOFF_WEBHOOK_ALLOW_LOOPBACK", "SENDOFF_MIGRATE", "SENDOFF_POSTGRES_DIRECT_URL",
	} {
		t.Setenv(name, "")
	}
	parser, err := newParser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	unsetEmpty()
	k, err := parser.Parse([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	c := k.Selected().Target.Interface().(serveCmd)
	if c.Listen != "127.0.0.1:8080" || c.PostgresConns != 16 || c.LogLevel != "info" || c.LogFormat != "text" || c.ShutdownGrace == 0 ||
		c.WebhookLocal ||
		c.Migrate {
		t.Errorf("serve with empty variables: %+v", c)
	}
}
