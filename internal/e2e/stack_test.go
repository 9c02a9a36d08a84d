// Package e2e sends messages through a whole Sendoff in one process: front
// door, worker, Postgres, Redis, and the emulator in the providers' place.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// patience is how long a test waits for what should take less than a second:
// the machine may be busy.
const patience = 60 * time.Second

// options of a stack that is not the ordinary one.
type options struct {
	redis string                          // address; empty: one of its own
	front func(http.Handler) http.Handler // stands before the emulator
	idle  bool                            // without a worker

	config func(*config.Config) // changes the configuration; nil: nothing
}

// stack is a running Sendoff with the demo account.
type stack struct {
	url, emulator    string
	em               *emulator.Server
	key, testKey     string
	account          account.Account
	store            *store.Store
	accounts         *account.Store
	channels         map[string]*dispatch.Channel // by "provider kind"
	ownTemplates     map[string]string            // provider → its template id
	serving, working *app.Running
	cfg              *config.Config
	log              *slog.Logger
}

// start runs a stack until the test and its subtests have ended.
func start(t *testing.T, o options) *stack {
	t.Helper()
	if o.redis == "" {
		o.redis = storetest.Redis(t)
	}
	listen := freeAddress(t)
	s := &stack{url: "http://" + listen, log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	em := emulator.New(emulator.Options{})
	var h http.Handler = em
	if o.front != nil {
		h = o.front(em)
	}
	srv := httptest.NewServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.emulator = srv.URL
	s.cfg = &config.Config{
		ProviderAllow: config.Networks{netip.MustParsePrefix("127.0.0.0/8")},
		PostgresURL:   config.Secret(storetest.Postgres(t)), RedisURL: config.Secret(o.redis), SecretKey: storetest.SecretKey,
		PublicURL: s.url, EmulatorURL: srv.URL, MetricsOpen: true, PostgresConns: 8, ShutdownGrace: 2 * time.Second,
	}
	s.em = em
	if o.config != nil {
		o.config(s.cfg)
	}
	s.open(t, em)
	var err error
	if !o.idle {
		if s.working, err = app.Work(s.cfg, "127.0.0.1:0", s.url, s.log); err != nil {
			t.Fatalf("start worker: %v", err)
		}
		t.Cleanup(func() { stopped(t, "worker", s.working) })
	}
	if s.serving, err = app.Serve(s.cfg, listen, s.log); err != nil {
		t.Fatalf("start front door: %v", err)
	}
	t.Cleanup(func() {
		if s.serving != nil { // the test has not stopped it
			stopped(t, "front door", s.serving)
		}
	})
	t.Cleanup(func() { // first of all: no callback, no held call keeps the others
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := em.Close(ctx); err != nil {
			t.Errorf("stop emulator: %v", err)
		}
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

func stopped(t *testing.T, name string, r *app.Running) {
	if err := r.Stop(); err != nil {
		t.Errorf("stop %s: %v", name, err)
	}
}

// open creates the demo account and registers its channels at the emulator.
func (s *stack) open(t *testing.T, em *emulator.Server) {
	t.Helper()
	ctx := t.Context()
	db := storetest.Open(t, string(s.cfg.PostgresURL), 4)
	s.store, s.accounts = store.New(db), account.New(db)
	var err error
	s.account, err = demo.Account(ctx, s.accounts, s.emulator)
	must(t, err)
	s.key, err = demo.Key(ctx, s.accounts, s.account.ID, false)
	must(t, err)
	s.testKey, err = demo.Key(ctx, s.accounts, s.account.ID, true)
	must(t, err)
	chs, err := s.accounts.Channels(ctx, s.account.ID)
	must(t, err)
	s.channels = map[string]*dispatch.Channel{}
	for i := range chs {
		known := chs[i]
		known.Settings["callback_url"] = s.url + "/callbacks/" + known.Provider + "/" + known.Key
		em.Register(&known)
		s.channels[known.Provider+" "+known.Kind] = &known
	}
	ts, err := s.accounts.Templates(ctx, s.account.ID)
	must(t, err)
	s.ownTemplates = map[string]string{}
	for i := range ts {
		if ts[i].ProviderTemplateID != "" {
			s.ownTemplates[ts[i].Provider] = ts[i].ProviderTemplateID
		}
	}
}

var must = storetest.Must

func freeAddress(t *testing.T) string {
	t.Helper()
	addr, err := devstack.FreeAddress()
	must(t, err)
	return addr
}

// answer is an HTTP answer, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request to the API; headers are pairs of name and value.
func (s *stack) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	a, err := s.try(method, s.url+path, body, append([]string{"Authorization", "Bearer " + s.key}, headers...)...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is call for other goroutines and addresses.
func (s *stack) try(method, address, body string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, raw}, err
}

// want fails the test unless the answer has the status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// as reads an answer's JSON.
func as[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answer %s: %v", a.body, err)
	}
	return v
}

// message is a message as the API shows it.
type message struct {
	ID         string          `json:"message_id"`
	Status     string          `json:"status"`
	Channel    int64           `json:"channel_id"`
	To         string          `json:"to"`
	Type       string          `json:"type"`
	Lane       string          `json:"lane"`
	Reference  string          `json:"reference"`
	Content    json.RawMessage `json:"content"`
	MaybeSent  bool            `json:"maybe_sent"`
	Anomaly    bool            `json:"anomaly"`
	Test       bool            `json:"test"`
	Attempts   int             `json:"attempts"`
	ProviderID string          `json:"provider_message_id"`
	Error      *struct {
		Code         string `json:"code"`
		ProviderCode string `json:"provider_code"`
	} `json:"error"`
	SendAt      *time.Time `json:"send_at"`
	CreatedAt   time.Time  `json:"created_at"`
	SentAt      *time.Time `json:"sent_at"`
	DeliveredAt *time.Time `json:"delivered_at"`
	ReadAt      *time.Time `json:"read_at"`
	FailedAt    *time.Time `json:"failed_at"`
}

// problem is a refusal.
type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
	More json.RawMessage `json:"more"`
}

// order is an order confirmation to a number; more JSON fields may follow.
func order(to string, more ...string) string {
	fields := append(
		[]string{
			fmt.Sprintf(
				`"to":%q,"type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-17","9.90"]}`,
				to,
			),
		},
		more...,
	)
	return "{" + strings.Join(fields, ",") + "}"
}

// send posts a message that must be accepted.
func (s *stack) send(t *testing.T, body string, headers ...string) message {
	t.Helper()
	return as[message](t, s.call(t, http.MethodPost, "/v1/messages", body, headers...).want(t, http.StatusAccepted))
}

func (s *stack) message(t *testing.T, id string) message {
	t.Helper()
	return as[message](t, s.call(t, http.MethodGet, "/v1/messages/"+id, "").want(t, http.StatusOK))
}

// becomes waits until a message has a status.
func (s *stack) becomes(t *testing.T, id, status string) message {
	t.Helper()
	var m message
	wait.For(t, patience, func() error {
		if m = s.message(t, id); m.Status != status {
			return fmt.Errorf("message %s is %s, not %s (attempts %d, error %+v)", id, m.Status, status, m.Attempts, m.Error)
		}
		return nil
	})
	return m
}

// request is one that the emulator received.
type request struct {
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Body     string    `json:"body"`
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted"`
}

// requests lists what the provider received for a number, oldest first.
func (s *stack) requests(t *testing.T, to string) []request {
	t.Helper()
	a, err := s.try(http.MethodGet, s.emulator+"/_emulator/requests?to="+url.QueryEscape(to), "")
	must(t, err)
	return as[struct {
		Requests []request `json:"requests"`
	}](t, a.want(t, http.StatusOK)).Requests
}

// copies is how many messages the provider accepted for a number.
func (s *stack) copies(t *testing.T, to string) int {
	t.Helper()
	a, err := s.try(http.MethodGet, s.emulator+"/_emulator/count?to="+url.QueryEscape(to), "")
	must(t, err)
	return as[struct {
		Count int `json:"count"`
	}](t, a.want(t, http.StatusOK)).Count
}

// inbound has a contact write to a channel.
func (s *stack) inbound(t *testing.T, ch *dispatch.Channel, from, text string) {
	t.Helper()
	a, err := s.try(http.MethodPost, s.emulator+"/_emulator/inbound", fmt.Sprintf(`{"channel":%q,"from":%q,"text":%q}`, ch.Key, from, text))
	must(t, err)
	a.want(t, http.StatusAccepted)
}

// lines splits NDJSON.
func lines(b []byte) [][]byte {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return nil
	}
	return bytes.Split(b, []byte("\n"))
}
