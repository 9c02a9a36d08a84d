package api_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// front is a started front door with an account, its keys and a Meta channel.
type front struct {
	t       *testing.T
	url     string
	stop    func() error
	db      *sql.DB // for what no method does
	store   *store.Store
	account store.Account
	key     string // may do everything
	channel dispatch.Channel
}

// public is how the world reaches the front door.
const public = "https://sendoff.example.com"

func newFront(t *testing.T) *front {
	t.Helper()
	cfg := &config.Config{
		PostgresURL: config.Secret(storetest.Postgres(t)), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: "a secret key for tests",
		PostgresConns: 8, EmulatorURL: "http://127.0.0.1:1", PublicURL: public,
	}
	box, err := pg.NewBox(cfg.SecretKeys()...)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(pg.Options{URL: string(cfg.PostgresURL), MaxConns: 2, Application: "test", Box: box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	db, err := sql.Open("postgres", string(cfg.PostgresURL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &front{t: t, store: st, db: db}
	f.account, f.key = f.newAccount("One")
	f.channel, err = st.CreateChannel(t.Context(), metaChannel(f.account.ID))
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Serve(cfg, "127.0.0.1:0", slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	f.stop = sync.OnceValue(r.Stop)
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	f.url = "http://" + r.Addr
	return f
}

func metaChannel(account int64) dispatch.Channel {
	return dispatch.Channel{
		Account: account, Name: "WhatsApp", Provider: "meta", Kind: "whatsapp", Sender: "+15550002222", Policy: dispatch.DefaultPolicy("meta"),
		Settings: map[string]string{"phone_number_id": "106540352242922", "waba_id": "102290129340398"},
		Secrets:  map[string]string{"access_token": "token-of-meta", "app_secret": "app-secret-of-meta", "verify_token": "verify-me"},
	}
}

// newAccount makes an account and a key that may do everything.
func (f *front) newAccount(name string) (store.Account, string) {
	f.t.Helper()
	a, err := f.store.CreateAccount(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return a, f.newKey(a.ID, auth.AllPermissions.Names()...)
}

// newKey makes a key with the permissions and wide limits.
func (f *front) newKey(account int64, permissions ...string) string {
	f.t.Helper()
	secret := auth.Generate(false)
	hash := auth.Hash(secret)
	_, err := f.store.CreateKey(f.t.Context(), store.Key{
		Account: account, Name: "test", Prefix: auth.Prefix(secret), Permissions: permissions, Active: true, PerSecond: 100_000, PerMinute: 1_000_000, PerDay: 1_000_000,
	}, hash[:])
	if err != nil {
		f.t.Fatal(err)
	}
	return secret
}

// reply is an answer of the front door.
type reply struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// do asks with the account's key; a string body goes as it is, anything else as
// JSON.
func (f *front) do(method, path string, body any) *reply { return f.as(f.key, method, path, body) }

// as is do with another key; none is sent when it is empty.
func (f *front) as(key, method, path string, body any) *reply {
	f.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			f.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, in)
	if err != nil {
		f.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return &reply{t: f.t, what: method + " " + path, status: res.StatusCode, header: res.Header, body: raw}
}

// want fails unless the status is the one, and gives the body.
func (r *reply) want(status int) object {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d, want %d: %s", r.what, r.status, status, r.body)
	}
	o := object{}
	if len(r.body) > 0 {
		if err := json.Unmarshal(r.body, &o); err != nil {
			r.t.Fatalf("%s: %v: %s", r.what, err, r.body)
		}
	}
	return o
}

// refused fails unless the answer is a problem of that status and code with
// faults at just these pointers.
func (r *reply) refused(status int, code dispatch.Code, pointers ...string) {
	r.t.Helper()
	var p struct {
		Status    int              `json:"status"`
		Code      dispatch.Code    `json:"code"`
		Title     string           `json:"title"`
		Detail    string           `json:"detail"`
		RequestID string           `json:"request_id"`
		Errors    []dispatch.Fault `json:"errors"`
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		r.t.Errorf("%s: no problem: %v: %s", r.what, err, r.body)
		return
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		r.t.Errorf("%s: Content-Type %q", r.what, ct)
	}
	if r.status != status || p.Status != status || p.Code != code || p.Title == "" || p.Detail == "" || p.RequestID == "" {
		r.t.Errorf("%s: got %d %s, want %d %s", r.what, r.status, r.body, status, code)
	}
	have := map[string]bool{}
	for _, f := range p.Errors {
		have[f.Field] = true
	}
	for _, want := range pointers {
		if !have[want] {
			r.t.Errorf("%s: no fault at %q: %s", r.what, want, r.body)
		}
		delete(have, want)
	}
	for at := range have {
		r.t.Errorf("%s: unexpected fault at %q: %s", r.what, at, r.body)
	}
}

// object is a JSON object of an answer.
type object map[string]any

// at gives a value by its path, such as "policy.rate"; nil when there is none.
func (o object) at(path string) any {
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

// id gives a number as it stands in a path.
func (o object) id() string { return fmt.Sprintf("%.0f", o["id"]) }

// data gives the entries of a list.
func (o object) data() []object {
	var out []object
	for _, v := range o["data"].([]any) {
		out = append(out, v.(map[string]any))
	}
	return out
}

// text gives the path's value as text.
func (o object) text(path string) string { return fmt.Sprint(o.at(path)) }

// m is short for a request's body.
type m = map[string]any
