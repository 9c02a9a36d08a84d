package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/migrations"
)

type devCmd struct {
	Dir       string `default:".sendoff" help:"Folder for data, dev.json and dev.env."`
	Listen    string `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"Address of the API." placeholder:"HOST:PORT"`
	InfraOnly bool   `help:"Start everything but serve and work. Start those by hand with DIR/dev.env."`
	LogLevel  string `enum:"debug,info,warn,error" default:"warn" help:"debug, info, warn or error."`
}

// devFile is DIR/dev.json, from which programs read how to use this Sendoff.
type devFile struct {
	BaseURL   string `json:"base_url"`
	Dashboard struct {
		URL      string `json:"url"`
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"dashboard"`
	AccountSID   string        `json:"account_sid"`
	APIKey       string        `json:"api_key"`
	TestAPIKey   string        `json:"test_api_key"`
	PostgresURL  string        `json:"postgres_url"`
	RedisURL     string        `json:"redis_url"`
	EmulatorURL  string        `json:"emulator_url"`
	Channels     []devChannel  `json:"channels"`
	Templates    []devTemplate `json:"templates"`
	Users        []devUser     `json:"users"`
	ContactLists []devList     `json:"contact_lists"`
}

type devChannel struct {
	ID       int64  `json:"id"`
	Key      string `json:"key"`
	Provider string `json:"provider"`
	Kind     string `json:"kind"`
	Sender   string `json:"sender"`
	Default  bool   `json:"default"`
}

type devTemplate struct {
	ID                 int64  `json:"id"`
	Name               string `json:"name"`
	Language           string `json:"language"`
	Category           string `json:"category"`
	ProviderTemplateID string `json:"provider_template_id,omitempty"`
}

type devUser struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type devList struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
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

func (d *dev) start(ctx context.Context) error {
	d.cfg = config.Config{LogLevel: d.cmd.LogLevel, LogFormat: "text", PostgresConns: 16, ShutdownGrace: 5 * time.Second, WebhookLocal: true}
	d.log = logger(&d.cfg, d.env.Stderr)
	if err := os.MkdirAll(d.cmd.Dir, 0o755); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	// The address is tried first: an address in use is the likeliest fault.
	l, err := net.Listen("tcp", d.cmd.Listen)
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

// secretKey returns the key that encrypts credentials. It creates the file if
// there is none.
func secretKey(file string) (string, error) {
	if b, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	key := hex.EncodeToString(raw[:])
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write secret key: %w", err)
	}
	return key, nil
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

// account creates the demo account at the first start and registers its channels
// with the emulator.
func (d *dev) account(ctx context.Context) error {
	box, err := pg.NewBox(d.cfg.SecretKeys()...)
	if err != nil {
		return err
	}
	db, err := pg.Open(pg.Options{URL: d.file.PostgresURL, MaxConns: 2, Application: "sendoff-dev", Box: box})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	st := account.New(db)
	a, err := demo.Account(ctx, st, d.file.EmulatorURL)
	if err != nil {
		return err
	}
	d.file.AccountSID = a.SID
	if err := d.credentials(ctx, st, a.ID); err != nil {
		return err
	}
	return d.list(ctx, st, a.ID)
}

func (d *dev) credentials(ctx context.Context, st *account.Store, owner int64) (err error) {
	if !d.known(ctx, st, d.file.APIKey) {
		if d.file.APIKey, err = demo.Key(ctx, st, owner, false); err != nil {
			return err
		}
	}
	if !d.known(ctx, st, d.file.TestAPIKey) {
		if d.file.TestAPIKey, err = demo.Key(ctx, st, owner, true); err != nil {
			return err
		}
	}
	d.file.Dashboard.URL = d.file.BaseURL + "/"
	if d.file.Dashboard.Password == "" {
		d.file.Dashboard.Email = "owner@example.com"
		d.file.Dashboard.Password, err = demo.Owner(ctx, st, owner, d.file.Dashboard.Email)
	}
	return err
}

func (d *dev) list(ctx context.Context, st *account.Store, owner int64) error {
	chs, err := st.Channels(ctx, owner)
	if err != nil {
		return err
	}
	var known []*dispatch.Channel
	for _, ch := range chs {
		d.file.Channels = append(d.file.Channels, devChannel{ch.ID, ch.Key, ch.Provider, ch.Kind, ch.Sender, ch.Default})
		ch.Settings["callback_url"] = d.file.BaseURL + "/callbacks/" + ch.Provider + "/" + ch.Key
		known = append(known, &ch)
	}
	if err := app.RegisterAt(d.file.EmulatorURL, "", known...); err != nil {
		return err
	}
	ts, err := st.Templates(ctx, owner)
	if err != nil {
		return err
	}
	for _, t := range ts {
		d.file.Templates = append(d.file.Templates, devTemplate{t.ID, t.Name, t.Language, t.Category, t.ProviderTemplateID})
	}
	us, err := st.Users(ctx, owner)
	if err != nil {
		return err
	}
	for _, u := range us {
		d.file.Users = append(d.file.Users, devUser{u.ID, u.Name})
	}
	ls, err := st.Lists(ctx, owner)
	for _, l := range ls {
		d.file.ContactLists = append(d.file.ContactLists, devList{l.ID, l.Name})
	}
	return err
}

// roles starts API and worker in this process.
func (d *dev) roles(listen string) error {
	w, err := app.Work(&d.cfg, "", d.file.BaseURL, d.log)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, w.Stop)
	s, err := app.Serve(&d.cfg, listen, d.log)
	if err != nil {
		return err
	}
	d.stops = append(d.stops, s.Stop)
	return nil
}

func (d *dev) path(name string) string { return filepath.Join(d.cmd.Dir, name) }

// write writes dev.json and dev.env, which contain secrets.
func (d *dev) write(listen string) error {
	b, err := json.MarshalIndent(d.file, "", "  ")
	if err != nil {
		return fmt.Errorf("encode dev.json: %w", err)
	}
	env := strings.Join([]string{
		"SENDOFF_POSTGRES_URL=" + d.file.PostgresURL,
		"SENDOFF_REDIS_URL=" + d.file.RedisURL,
		"SENDOFF_LISTEN=" + listen,
		"SENDOFF_PUBLIC_URL=" + d.file.BaseURL,
		"SENDOFF_SECRET_KEY=" + string(d.cfg.SecretKey),
		"SENDOFF_EMULATOR_URL=" + d.file.EmulatorURL,
		"SENDOFF_SHUTDOWN_GRACE=5s",
		"SENDOFF_WEBHOOK_ALLOW_LOOPBACK=true",
		"SENDOFF_WORK_LISTEN=",
		"",
	}, "\n")
	if err := replaceFile(d.path("dev.env"), []byte(env)); err != nil {
		return err
	}
	return replaceFile(d.path("dev.json"), append(b, '\n'))
}

// replaceFile writes a private file atomically.
func replaceFile(name string, b []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

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
	fmt.Fprintf(out, "  API        %s\n  emulator   %s (every provider; nothing leaves this machine)\n  all else   %s\n",
		d.file.BaseURL, d.file.EmulatorURL, d.path("dev.json"))
	if d.cmd.InfraOnly {
		fmt.Fprintf(out, "\nStart the rest by hand:\n\n  set -a; . %s; set +a\n  sendoff serve &\n  sendoff work\n", d.path("dev.env"))
	}
	fmt.Fprintf(out, firstMessage, d.file.BaseURL, d.file.APIKey)
}

// known reports whether an API key exists.
func (d *dev) known(ctx context.Context, st *account.Store, secret string) bool {
	if secret == "" {
		return false
	}
	hash := auth.Hash(secret)
	_, err := st.KeyByHash(ctx, hash[:])
	return err == nil
}

type emulateCmd struct {
	Listen string        `default:"127.0.0.1:8090" env:"SENDOFF_EMULATE_LISTEN" help:"Address of the emulator." placeholder:"HOST:PORT"`
	Token  config.Secret `env:"SENDOFF_EMULATOR_TOKEN" help:"${cli_emulatecmd_token}" placeholder:"TEXT"`
}

// Run emulates until a signal arrives.
func (c *emulateCmd) Run(e *console.Env) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("%w: --listen: %w", console.ErrUsage, err)
	}
	if ip := net.ParseIP(host); c.Token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: --token (SENDOFF_EMULATOR_TOKEN) is required when the emulator listens on %s", console.ErrUsage, c.Listen)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen for the emulator: %w", err)
	}
	em := emulator.New(emulator.Options{Token: string(c.Token)})
	srv := &http.Server{Handler: em, ReadHeaderTimeout: 10 * time.Second}
	go func() { <-e.Ctx.Done(); _ = srv.Close() }()
	var names []string
	for _, s := range app.Specs() {
		names = append(names, s.Name)
	}
	fmt.Fprintf(e.Stdout, "emulating %s on http://%s\nregister channels with PUT /_emulator/channels\n", strings.Join(names, ", "), l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("emulate: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return em.Close(ctx)
}
