// Package apitest starts an API server on a database of its own for the tests of
// internal/api and the packages below it.
package apitest

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Front is a running API server with an account, an API key and a WhatsApp
// channel.
type Front struct {
	T           *testing.T
	URL         string
	PostgresURL string // of its database
	Stop        func() error
	DB          *sql.DB // for what the store has no method for
	Store       *store.Store
	Accounts    *account.Store
	Hooks       *hookstore.Store
	Account     account.Account
	Key         string // with every permission
	Channel     dispatch.Channel
	Log         *Log // from level info on
}

// Log holds the lines of a server's log.
type Log struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

// Write adds a line.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

// String returns the lines.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// SecretKey encrypts the credentials of the server.
const SecretKey = storetest.SecretKey

// Public is the public URL of the server.
const Public = "https://sendoff.example.com"

// New starts a server that stops when the test ends.
func New(t *testing.T) *Front {
	t.Helper()
	return NewOn(t, storetest.Postgres(t))
}

// NewOn is New on a database of the test.
func NewOn(t *testing.T, postgresURL string) *Front {
	t.Helper()
	cfg := &config.Config{
		ProviderAllow: config.Networks{netip.MustParsePrefix("127.0.0.0/8")},
		PostgresURL:   config.Secret(postgresURL), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: SecretKey,
		PostgresConns: 8, EmulatorURL: "http://127.0.0.1:1", PublicURL: Public, MetricsOpen: true,
	}
	pool := storetest.Open(t, postgresURL, 2)
	db, err := sql.Open("postgres", postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &Front{
		T: t, PostgresURL: postgresURL, Store: store.New(pool), Accounts: account.New(pool),
		Hooks: hookstore.New(pool, store.ReadViews), DB: db, Log: &Log{},
	}
	f.Account, f.Key = f.NewAccount("One")
	f.Channel, err = f.Accounts.CreateChannel(t.Context(), MetaChannel(f.Account.ID))
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Serve(cfg, "127.0.0.1:0", slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}), slog.NewTextHandler(f.Log, nil),
	)))
	if err != nil {
		t.Fatal(err)
	}
	f.Stop = sync.OnceValue(r.Stop)
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	f.URL = "http://" + r.Addr
	return f
}

// MetaChannel returns a WhatsApp channel to be created.
func MetaChannel(account int64) dispatch.Channel {
	return dispatch.Channel{
		Account: account, Name: "WhatsApp", Provider: "meta", Kind: "whatsapp", Sender: "+15550002222", Policy: dispatch.DefaultPolicy(),
		Settings: map[string]string{"phone_number_id": "106540352242922", "waba_id": "102290129340398"},
		Secrets:  map[string]string{"access_token": "token-of-meta", "app_secret": "app-secret-of-meta", "verify_token": "verify-me"},
	}
}

// NewAccount creates an account and returns it with a key that has every
// permission.
func (f *Front) NewAccount(name string) (account.Account, string) {
	f.T.Helper()
	a, err := f.Accounts.CreateAccount(f.T.Context(), name)
	if err != nil {
		f.T.Fatal(err)
	}
	return a, f.NewKey(a.ID, auth.AllPermissions.Names()...)
}

// NewKey creates a key with the permissions and with limits that no test reaches.
func (f *Front) NewKey(id int64, permissions ...string) string {
	f.T.Helper()
	secret := auth.Generate(false)
	hash := auth.Hash(secret)
	_, err := f.Accounts.CreateKey(f.T.Context(), account.Key{
		Account: id, Name: "test", Prefix: auth.Prefix(secret), Permissions: permissions, Active: true, PerSecond: 100_000,
		PerMinute: 1_000_000, PerDay: 1_000_000,
	}, hash[:])
	if err != nil {
		f.T.Fatal(err)
	}
	return secret
}

// NewKeyWith creates a key that change has altered before.
func (f *Front) NewKeyWith(change func(*account.Key)) (secret string, made account.Key) {
	f.T.Helper()
	secret = auth.Generate(false)
	hash := auth.Hash(secret)
	k := account.Key{
		Account: f.Account.ID, Name: "test", Prefix: auth.Prefix(secret), Permissions: auth.AllPermissions.Names(), Active: true,
		PerSecond: 100_000, PerMinute: 1_000_000, PerDay: 1_000_000,
	}
	change(&k)
	made, err := f.Accounts.CreateKey(f.T.Context(), k, hash[:])
	if err != nil {
		f.T.Fatal(err)
	}
	return secret, made
}

// Reply is an answer of the server.
type Reply struct {
	T      *testing.T
	What   string
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request with the account's key. A string body is sent as it is,
// anything else as JSON.
func (f *Front) Do(method, path string, body any) *Reply { return f.As(f.Key, method, path, body) }

// As sends a request with another key, or with none if key is empty.
func (f *Front) As(key, method, path string, body any) *Reply {
	f.T.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			f.T.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(f.T.Context(), method, f.URL+path, in)
	if err != nil {
		f.T.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return f.send(req)
}

// send sends a request and reads its answer.
func (f *Front) send(req *http.Request) *Reply {
	f.T.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.T.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.T.Fatal(err)
	}
	return &Reply{T: f.T, What: req.Method + " " + req.URL.RequestURI(), Status: res.StatusCode, Header: res.Header, Body: raw}
}

// Want fails the test unless the answer has the status, and returns its body.
func (r *Reply) Want(status int) Object {
	r.T.Helper()
	if r.Status != status {
		r.T.Fatalf("%s: got %d, want %d: %s", r.What, r.Status, status, r.Body)
	}
	o := Object{}
	if len(r.Body) > 0 {
		if err := json.Unmarshal(r.Body, &o); err != nil {
			r.T.Fatalf("%s: %v: %s", r.What, err, r.Body)
		}
	}
	return o
}

// Refused reports an error unless the answer is a problem with the status, the
// code and faults at exactly these pointers.
func (r *Reply) Refused(status int, code dispatch.Code, pointers ...string) {
	r.T.Helper()
	var p struct {
		Status    int              `json:"status"`
		Code      dispatch.Code    `json:"code"`
		Title     string           `json:"title"`
		Detail    string           `json:"detail"`
		RequestID string           `json:"request_id"`
		Errors    []dispatch.Fault `json:"errors"`
	}
	if err := json.Unmarshal(r.Body, &p); err != nil {
		r.T.Errorf("%s: no problem: %v: %s", r.What, err, r.Body)
		return
	}
	if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
		r.T.Errorf("%s: Content-Type %q", r.What, ct)
	}
	if r.Status != status || p.Status != status || p.Code != code || p.Title == "" || p.Detail == "" || p.RequestID == "" {
		r.T.Errorf("%s: got %d %s, want %d %s", r.What, r.Status, r.Body, status, code)
	}
	have := map[string]bool{}
	for _, f := range p.Errors {
		have[f.Field] = true
	}
	for _, want := range pointers {
		if !have[want] {
			r.T.Errorf("%s: no fault at %q: %s", r.What, want, r.Body)
		}
		delete(have, want)
	}
	for at := range have {
		r.T.Errorf("%s: unexpected fault at %q: %s", r.What, at, r.Body)
	}
}

// Object is a JSON object of an answer.
type Object map[string]any

// At returns the value at a path such as "policy.rate", or nil.
func (o Object) At(path string) any {
	var v any = map[string]any(o)
	for step := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

// ID returns the id as it is written in a path.
func (o Object) ID() string { return fmt.Sprintf("%.0f", o["id"]) }

// Data returns the entries of a list.
func (o Object) Data() []Object {
	var out []Object
	for _, v := range o["data"].([]any) {
		out = append(out, v.(map[string]any))
	}
	return out
}

// Text returns the value at a path as text.
func (o Object) Text(path string) string { return fmt.Sprint(o.At(path)) }

// M is the body of a request.
type M = map[string]any

// Sent is what Ask sends besides method and path.
type Sent struct {
	Headers []string // pairs
	Body    string
	Basic   string // the password of Basic auth
}

// Ask sends a request without adding a key.
func (f *Front) Ask(method, path string, in Sent) *Reply {
	f.T.Helper()
	req, err := http.NewRequestWithContext(f.T.Context(), method, f.URL+path, strings.NewReader(in.Body))
	if err != nil {
		f.T.Fatal(err)
	}
	for i := 0; i+1 < len(in.Headers); i += 2 {
		req.Header.Set(in.Headers[i], in.Headers[i+1])
	}
	if in.Basic != "" {
		req.SetBasicAuth("", in.Basic)
	}
	return f.send(req)
}

// Document returns the OpenAPI description of the front door.
func Document(t *testing.T, f *Front) *openapi3.T {
	t.Helper()
	r := f.As("", "GET", "/openapi.json", nil)
	if r.Status != http.StatusOK || r.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", r.Status, r.Header)
	}
	doc, err := openapi3.NewLoader().LoadFromData(r.Body)
	if err != nil {
		t.Fatalf("not OpenAPI: %v", err)
	}
	return doc
}
