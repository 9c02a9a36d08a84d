package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/storetest"
)

func TestMain(m *testing.M) {
	// What the developer's shell says must not reach the commands.
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "SENDOFF_") && !strings.HasPrefix(name, "SENDOFF_TEST_") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	storetest.Main(m)
}

const testSecretKey = "a secret key for tests only"

// result is what a command did.
type result struct {
	code        int
	out, errOut string
}

// sendoff runs the command line.
func sendoff(stdin string, args ...string) result {
	var out, errOut bytes.Buffer
	code := Run(args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// place is a database, with flags that name it.
type place struct {
	t   *testing.T
	url string
}

// newPlace makes a database with an account in it.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t, storetest.Postgres(t)}
	p.ok("", "account", "create", "Acme")
	return p
}

// do runs a command of administration.
func (p *place) do(stdin string, args ...string) result {
	p.t.Helper()
	return sendoff(stdin, append(args, "--postgres-url", p.url, "--secret-key", testSecretKey)...)
}

// ok is do for commands that must succeed.
func (p *place) ok(stdin string, args ...string) result {
	p.t.Helper()
	r := p.do(stdin, args...)
	if r.code != 0 {
		p.t.Fatalf("sendoff %s: code %d: %s%s", strings.Join(args, " "), r.code, r.out, r.errOut)
	}
	return r
}

// refuse is do for commands that must fail with code and say want.
func (p *place) refuse(code int, want string, args ...string) {
	p.t.Helper()
	p.do("", args...).mustFail(p.t, code, want)
}

func (r result) mustFail(t *testing.T, code int, want string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.errOut+r.out, want) {
		t.Errorf("code %d, out %q, err %q; want code %d and %q", r.code, r.out, r.errOut, code, want)
	}
}

// read decodes what a command printed for machines.
func read[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(r.out), &v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, r.out)
	}
	return v
}

// open gives the database itself.
func (p *place) open() *store.Store {
	p.t.Helper()
	box, err := store.NewBox(testSecretKey)
	if err != nil {
		p.t.Fatal(err)
	}
	st, err := store.Open(store.Options{URL: p.url, MaxConns: 2, Application: "test", Box: box})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = st.Close() })
	return st
}

func TestRun_WrongCommandLine_Code2(t *testing.T) {
	t.Parallel()
	sendoff("", "frobnicate").mustFail(t, 2, "frobnicate")
	sendoff("", "send", "--text", "hi").mustFail(t, 2, "--to")
	sendoff("", "account", "list").mustFail(t, 2, "SENDOFF_POSTGRES_URL")
	sendoff("", "account", "list", "--postgres-url", "postgres://127.0.0.1:1/x?sslmode=disable").mustFail(t, 1, "does not answer")
	if r := sendoff("", "channel", "create", "meta", "--help"); r.code != 0 || !strings.Contains(r.out, "SENDOFF_META_ACCESS_TOKEN") {
		t.Errorf("help: code %d: %s", r.code, r.out)
	}
}

func TestAdmin_NoTables_SaysMigrate(t *testing.T) {
	t.Parallel()
	p := &place{t, storetest.Empty(t)}
	p.refuse(1, "sendoff migrate up", "account", "list")
}
