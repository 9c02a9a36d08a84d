// Package clitest runs the command line in tests, against databases of their own.
package clitest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Run is the command line: cli.Run.
type Run func(args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Main runs the tests of a package without the settings of the developer's
// shell: the commands would read them.
func Main(m *testing.M) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "SENDOFF_") && !strings.HasPrefix(name, "SENDOFF_TEST_") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	if err := os.Setenv("SENDOFF_PROVIDER_ALLOW", "127.0.0.1"); err != nil { // channels at servers of tests
		panic(err)
	}
	storetest.Main(m)
}

// SecretKey seals the credentials of every Place.
const SecretKey = storetest.SecretKey

// Result is the outcome of a command.
type Result struct {
	Code     int
	Out, Err string
}

// Do runs a command with stdin as its input.
func (run Run) Do(stdin string, args ...string) Result {
	var out, errOut bytes.Buffer
	code := run(args, strings.NewReader(stdin), &out, &errOut)
	return Result{code, out.String(), errOut.String()}
}

// Place is a database and the commands that work on it.
type Place struct {
	T   *testing.T
	URL string // of Postgres
	Run Run
}

// New returns a migrated database with the account Acme.
func New(t *testing.T, run Run) *Place {
	t.Helper()
	p := &Place{t, storetest.Postgres(t), run}
	p.OK("", "account", "create", "Acme")
	return p
}

// Do runs a command of administration on the database.
func (p *Place) Do(stdin string, args ...string) Result {
	p.T.Helper()
	return p.Run.Do(stdin, append(args, "--postgres-url", p.URL, "--secret-key", SecretKey)...)
}

// OK is Do for a command that must succeed.
func (p *Place) OK(stdin string, args ...string) Result {
	p.T.Helper()
	r := p.Do(stdin, args...)
	if r.Code != 0 {
		p.T.Fatalf("sendoff %s: code %d: %s%s", strings.Join(args, " "), r.Code, r.Out, r.Err)
	}
	return r
}

// Refuse is Do for a command that must fail with the exit code and an output that contains want.
func (p *Place) Refuse(code int, want string, args ...string) {
	p.T.Helper()
	p.Do("", args...).MustFail(p.T, code, want)
}

// MustFail fails the test unless the command ended with code and printed want.
func (r Result) MustFail(t *testing.T, code int, want string) {
	t.Helper()
	if r.Code != code || !strings.Contains(r.Err+r.Out, want) {
		t.Errorf("code %d, out %q, err %q; want code %d and %q", r.Code, r.Out, r.Err, code, want)
	}
}

// Read decodes the JSON that a command printed.
func Read[T any](t *testing.T, r Result) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(r.Out), &v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, r.Out)
	}
	return v
}

// Open returns the accounts of the database.
func (p *Place) Open() *account.Store {
	p.T.Helper()
	return account.New(storetest.Open(p.T, p.URL, 2))
}

// Audited returns the entries of the audit log, oldest first.
func (p *Place) Audited() []string {
	p.T.Helper()
	const query = `SELECT actor || ' ' || action || ' ' || target || ' ' || detail FROM audit_log ORDER BY id`
	rows, err := p.DB().QueryContext(p.T.Context(), query)
	if err != nil {
		p.T.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			p.T.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		p.T.Fatal(err)
	}
	return out
}

// MustAudit checks that the audit log has these actions on these targets, in order.
func (p *Place) MustAudit(want ...string) {
	p.T.Helper()
	var got []string
	for _, line := range p.Audited() {
		f := strings.Fields(line)
		if f[0] != "cli" {
			p.T.Errorf("actor of %q is not cli", line)
		}
		got = append(got, f[1]+" "+f[2])
	}
	if !slices.Equal(got, want) {
		p.T.Errorf("audit log %q, want %q", got, want)
	}
}

// DB returns a connection for SQL that no command has.
func (p *Place) DB() *sql.DB {
	p.T.Helper()
	db, err := sql.Open("postgres", p.URL)
	if err != nil {
		p.T.Fatal(err)
	}
	p.T.Cleanup(func() { _ = db.Close() })
	return db
}

// Credentials of the channel that CreateMetaArgs describes.
const (
	Token     = "EAAB-the-access-token"
	AppSecret = "0123456789abcdef-app-secret"
)

// CreateMetaArgs create a channel of Meta; its access token and app secret are
// read from stdin.
var CreateMetaArgs = []string{
	"channel", "create", "meta", "--sender", "+1 555 000 2222", "--phone-number-id", "106540352242922", "--waba-id", "102290129340398",
}

// MustHide checks that neither outputs nor the audit log contain a credential.
func (p *Place) MustHide(rs ...Result) {
	p.T.Helper()
	var output strings.Builder
	output.WriteString(strings.Join(p.Audited(), "\n"))
	for _, r := range rs {
		output.WriteString(r.Out + r.Err)
	}
	for _, secret := range []string{Token, AppSecret, SecretKey} {
		if strings.Contains(output.String(), secret) {
			p.T.Errorf("%q was shown", secret)
		}
	}
}

// Channel reads a channel with its credentials.
func (p *Place) Channel(id int64) dispatch.Channel {
	p.T.Helper()
	ch, err := p.Open().Channel(p.T.Context(), id)
	if err != nil {
		p.T.Fatal(err)
	}
	return ch
}

// Emulated starts an emulator and creates a channel of Meta on it.
func (p *Place) Emulated() { p.T.Helper(); p.EmulatedAt("http://127.0.0.1:1") }

// EmulatedAt is Emulated with callbacks to the API at public.
func (p *Place) EmulatedAt(public string) {
	p.T.Helper()
	em := emulator.New(emulator.Options{})
	srv := httptest.NewServer(em)
	p.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = em.Close(ctx)
		srv.CloseClientConnections()
		srv.Close()
	})
	p.OK(Token+"\n"+AppSecret+"\n", append(CreateMetaArgs, "--base-url", srv.URL)...)
	ch := p.Channel(1)
	ch.Settings["callback_url"] = public + "/callbacks/meta/" + ch.Key
	em.Register(&ch)
}

// OrderTemplate is a template with two variables.
const OrderTemplate = `{"name":"order","language":"en","category":"UTILITY",
  "components":[{"type":"body","text":"Hi {{1}}, order {{2}}.","variables":["name","order_id"]}]}`
