package runner_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store/account"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// stack is serve, work and an emulator with the demo account.
type stack struct {
	*testing.T
	url      string
	key      string
	emulator string
	db       *pg.DB
	accounts *account.Store
	account  account.Account
	channel  dispatch.Channel // the demo's Meta channel
	cfg      *config.Config
	log      *slog.Logger
}

func start(t *testing.T) *stack {
	t.Helper()
	s := serve(t)
	s.work()
	return s
}

// serve starts the stack without a worker: one that is started later knows all that
// was changed before, and not up to a second later.
func serve(t *testing.T) *stack {
	t.Helper()
	s := &stack{T: t, log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	settings := emulator.DefaultSettings()
	em := emulator.New(emulator.Options{Settings: &settings})
	srv := httptest.NewServer(em)
	t.Cleanup(func() { srv.Close(); _ = em.Close(context.Background()) })
	s.emulator = srv.URL
	addr := freeAddress(t)
	s.url = "http://" + addr
	s.cfg = &config.Config{
		PostgresURL: config.Secret(storetest.Postgres(t)), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: storetest.SecretKey,
		PostgresConns: 8, EmulatorURL: srv.URL, PublicURL: s.url, ShutdownGrace: time.Second,
		ProviderAllow: config.Networks{netip.MustParsePrefix("127.0.0.0/8")},
	}
	s.db = storetest.Open(t, string(s.cfg.PostgresURL), 4)
	s.accounts = account.New(s.db)
	var err error
	s.account, err = demo.Account(t.Context(), s.accounts, srv.URL)
	s.must(err)
	s.key, err = demo.Key(t.Context(), s.accounts, s.account.ID, false)
	s.must(err)
	s.register()
	r, err := app.Serve(s.cfg, addr, s.log)
	s.must(err)
	t.Cleanup(func() { s.must(r.Stop()) })
	return s
}

// register adds the channels to the emulator.
func (s *stack) register() {
	s.Helper()
	chs, err := s.accounts.Channels(s.Context(), s.account.ID)
	s.must(err)
	for i := range chs {
		ch := chs[i]
		if ch.Provider == "meta" && s.channel.ID == 0 {
			s.channel = ch
		}
		ch.Settings = map[string]string{}
		maps.Copy(ch.Settings, chs[i].Settings)
		ch.Settings["callback_url"] = s.url + "/callbacks/" + ch.Provider + "/" + ch.Key
		s.must(app.RegisterAt(s.emulator, "", &ch))
	}
}

// work starts a worker that stops with the test.
func (s *stack) work() {
	s.Helper()
	r, err := app.Work(s.cfg, "", s.url, s.log)
	s.must(err)
	s.Cleanup(func() { s.must(r.Stop()) })
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (s *stack) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// object is a JSON object of an answer.
type object map[string]any

// call sends a request and fails unless the answer has the status.
func (s *stack) call(method, path string, body any, want int) object {
	s.Helper()
	status, raw := s.raw(method, path, body)
	if status != want {
		s.Fatalf("%s %s: got %d, want %d: %s", method, path, status, want, raw)
	}
	o := object{}
	if len(raw) > 0 && raw[0] == '{' {
		s.must(json.Unmarshal(raw, &o))
	}
	return o
}

func (s *stack) raw(method, path string, body any) (int, []byte) {
	s.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		s.must(err)
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, in)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	s.must(err)
	return resp.StatusCode, raw
}

// orders returns the definition of a campaign to contacts.
func orders(contacts []any, more object) object {
	body := object{
		"name": "Orders", "type": "template", "audience": object{"contacts": contacts},
		"template": object{"name": "order_confirmation", "language": "en", "variables": object{
			"customer_name": "{{name}}", "order_id": "{{order|none}}", "total": "{{total}}",
		}},
	}
	maps.Copy(body, more)
	return body
}

// people returns n contacts whose numbers end in the suffix.
func people(n int, suffix string) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = object{"to": number(i, suffix), "fields": object{"name": fmt.Sprint("Ada ", i), "total": "9.90"}}
	}
	return out
}

func number(i int, suffix string) string {
	return fmt.Sprintf("+1555%03d%s", i, cmp.Or(suffix, "0100"))
}

// create creates a campaign and returns its path.
func (s *stack) create(body object) string {
	s.Helper()
	c := s.call("POST", "/v1/campaigns", body, 201)
	if c["status"] != "draft" {
		s.Fatalf("created as %v", c["status"])
	}
	return fmt.Sprintf("/v1/campaigns/%.0f", c["id"])
}

// launch creates and launches a campaign.
func (s *stack) launch(body object) string {
	s.Helper()
	path := s.create(body)
	s.call("POST", path+"/launch", nil, 200)
	return path
}

// count returns one of a campaign's counts.
func (o object) count(name string) int {
	n, _ := o["counts"].(map[string]any)[name].(float64)
	return int(n)
}

// until waits until ok reports true for the campaign.
func (s *stack) until(path, what string, ok func(c object) bool) object {
	s.Helper()
	var c object
	wait.Until(s.T, what, func() bool {
		c = s.call("GET", path, nil, 200)
		return ok(c)
	})
	return c
}

// finished waits for the end of a campaign and checks its ledger.
func (s *stack) finished(path string) object {
	s.Helper()
	c := s.until(path, "the end of the campaign", func(c object) bool { return c["status"] == "finished" })
	s.balanced(path)
	return c
}

// balanced fails unless the counts equal the ledger.
func (s *stack) balanced(path string) {
	s.Helper()
	var id int64
	_, err := fmt.Sscanf(path, "/v1/campaigns/%d", &id)
	s.must(err)
	wrong, err := campaigns.New(s.db).CheckCounts(s.Context(), id)
	s.must(err)
	if wrong > 0 {
		s.Errorf("%d counts of %s differ from its ledger", wrong, path)
	}
}

// accepted returns how many messages the emulator has accepted, and the most for
// one recipient.
func (s *stack) accepted() (n, most int) {
	s.Helper()
	resp, err := http.Get(s.emulator + "/_emulator/count")
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	var v struct {
		Count int `json:"count"`
		Most  int `json:"max_per_recipient"`
	}
	s.must(json.NewDecoder(resp.Body).Decode(&v))
	return v.Count, v.Most
}
