package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/migrations"
)

type devCmd struct {
	Dir       string          `default:".sendoff" help:"Folder for data, dev.json and dev.env."`
	Listen    config.HostPort `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"Address of the API." placeholder:"HOST:PORT"`
	InfraOnly bool            `help:"Start everything but serve and work. Start those by hand with DIR/dev.env."`
	LogLevel  string          `enum:"debug,info,warn,error" default:"warn" help:"debug, info, warn or error."`
}

// Run starts everything, prints how to use it, and stops it at a signal.
func (c *devCmd) Run(e *console.Env) (err error) {
	began := time.Now()
	d := &dev{cmd: c, env: e}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(e.Ctx); err != nil {
		return err
	}
	d.greet(time.Since(began))
	<-e.Ctx.Done()
	fmt.Fprintln(e.Stdout, "\nstopping")
	return nil
}

// dev is a running `sendoff dev`.
type dev struct {
	cmd   *devCmd
	env   *console.Env
	cfg   config.Config
	log   *slog.Logger
	file  devFile
	stack *devstack.Stack
	stops []func() error
}

// stop stops everything in reverse order and returns all errors.
func (d *dev) stop() error {
	var errs []error
	for i := len(d.stops) - 1; i >= 0; i-- {
		errs = append(errs, d.stops[i]())
	}
	return errors.Join(errs...)
}

// loopback are the networks in which the emulator's channels are.
const loopback = "127.0.0.0/8,::1/128"

func (d *dev) start(ctx context.Context) error {
	d.cfg = config.Config{
		LogLevel: d.cmd.LogLevel, LogFormat: "text", PostgresConns: 16, ShutdownGrace: 5 * time.Second,
		MetricsOpen: true, WebhookLocal: true,
		TracesEndpoint: os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), TracesSampler: os.Getenv("OTEL_TRACES_SAMPLER"),
		TracesSamplerArg: os.Getenv("OTEL_TRACES_SAMPLER_ARG"),
	}
	if err := d.cfg.ProviderAllow.UnmarshalText([]byte(loopback)); err != nil {
		return err
	}
	log, flush := logger(&d.cfg, d.env.Stderr)
	d.log, d.stops = log, append(d.stops, func() error { flush(); return nil })
	if err := os.MkdirAll(d.cmd.Dir, 0o755); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	// The address is tried first: an address in use is the likeliest fault.
	l, err := net.Listen("tcp", string(d.cmd.Listen))
	if err != nil {
		return fmt.Errorf("%w: %s is in use (%w); choose another address with --listen", console.ErrUsage, d.cmd.Listen, err)
	}
	d.file.BaseURL = "http://" + l.Addr().String()
	listen := l.Addr().String()
	if err := l.Close(); err != nil {
		return fmt.Errorf("free address: %w", err)
	}
	if err := d.servers(ctx); err != nil {
		return err
	}
	if err := d.emulator(); err != nil {
		return err
	}
	if err := d.account(ctx); err != nil {
		return err
	}
	if !d.cmd.InfraOnly {
		if err := d.roles(listen); err != nil {
			return err
		}
	}
	return d.write(listen)
}

// servers starts Postgres and Redis and applies migrations.
func (d *dev) servers(ctx context.Context) error {
	fmt.Fprintln(d.env.Stdout, "starting Postgres and Redis …")
	st, err := devstack.Start(ctx, devstack.Options{Dir: d.cmd.Dir, RedisAOF: true, Log: d.log})
	if err != nil {
		return err
	}
	d.stack = st
	d.stops = append(d.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		return st.Stop(ctx)
	})
	watch, cancel := context.WithCancel(context.Background())
	go st.Watch(watch)
	d.stops = append(d.stops, func() error { cancel(); return nil })
	d.file.PostgresURL, d.file.RedisURL = st.PostgresURL(), st.RedisURL()
	d.cfg.PostgresURL, d.cfg.RedisURL = config.Secret(st.PostgresURL()), config.Secret(st.RedisURL())
	d.cfg.PublicURL = d.file.BaseURL
	key, err := secretKey(filepath.Join(d.cmd.Dir, "secret.key"))
	if err != nil {
		return err
	}
	d.cfg.SecretKey = config.Secret(key)
	_, err = migrations.Up(ctx, st.PostgresURL())
	return err
}

// emulator starts the provider emulator, on the port of the previous start if that
// is free.
func (d *dev) emulator() error {
	var last devFile
	addr := "127.0.0.1:0"
	if b, err := os.ReadFile(d.path("dev.json")); err == nil && json.Unmarshal(b, &last) == nil {
		addr = strings.TrimPrefix(last.EmulatorURL, "http://")
		d.file.APIKey, d.file.TestAPIKey, d.file.Dashboard = last.APIKey, last.TestAPIKey, last.Dashboard
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("listen for the emulator: %w", err)
		}
	}
	em := emulator.New(emulator.Options{})
	go func() { _ = em.Serve(l) }() // ends with Close
	d.stops = append(d.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return em.Close(ctx)
	})
	d.file.EmulatorURL = "http://" + l.Addr().String()
	d.cfg.EmulatorURL = d.file.EmulatorURL
	return nil
}

// roles starts API and worker in this process.
func (d *dev) roles(listen string) error {
	w, err := app.Work(&d.cfg, "", d.file.BaseURL, d.log)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, w.Stop)
	if host, _, err := net.SplitHostPort(listen); err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback()) {
		d.cfg.DashboardEmail, d.cfg.DashboardPassword = d.file.Dashboard.Email, config.Secret(d.file.Dashboard.Password)
	}
	s, err := app.Serve(&d.cfg, listen, d.log)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, s.Stop)
	return nil
}

func (d *dev) path(name string) string { return filepath.Join(d.cmd.Dir, name) }

// firstMessage shows how to send a message and look at it, given the address of
// the API and a key.
const firstMessage = `
Send a message:

  curl -sS %[1]s/v1/messages \
    -H 'Authorization: Bearer %[2]s' -H 'Content-Type: application/json' \
    -d '{"to":"+15550000100","type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-17","9.90"]}}'

and look at it, with the message_id of the answer:

  curl -sS %[1]s/v1/messages/MESSAGE_ID -H 'Authorization: Bearer %[2]s'

Ctrl-C stops everything.
`

// greet prints what is running and how to send a message.
func (d *dev) greet(took time.Duration) {
	out := d.env.Stdout
	fmt.Fprintf(out, "\nSendoff is ready after %.1f s.\n\n", took.Seconds())
	fmt.Fprintf(out, "  dashboard  %s\n             sign in as %s with the password %s\n  API        %s\n  emulator   %s (every provider; "+
		"nothing leaves this machine)\n  all else   %s\n",
		d.file.Dashboard.URL, d.file.Dashboard.Email, d.file.Dashboard.Password, d.file.BaseURL, d.file.EmulatorURL, d.path("dev.json"))
	if d.cmd.InfraOnly {
		fmt.Fprintf(out, "\nStart the rest by hand:\n\n  set -a; . %s; set +a\n  sendoff serve &\n  sendoff work\n", d.path("dev.env"))
	}
	fmt.Fprintf(out, firstMessage, d.file.BaseURL, d.file.APIKey)
}
