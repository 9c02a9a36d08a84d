package cli

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/store/storetest"
	"github.com/sendoff/sendoff/migrations"
)

type diagnosis struct {
	OK     bool      `json:"ok"`
	Checks []finding `json:"checks"`
}

// failed names the checks that failed; each must say what to do.
func (d *diagnosis) failed(t *testing.T) string {
	t.Helper()
	var names []string
	for _, f := range d.Checks {
		if !f.OK {
			names = append(names, f.Name)
			if f.Fix == "" {
				t.Errorf("%s failed and does not say what to do", f.Name)
			}
		}
	}
	return strings.Join(names, ", ")
}

func doctorArgs(postgres, redis string) []string {
	return []string{"doctor", "--json", "--postgres-url", postgres, "--redis-url", redis, "--secret-key", testSecretKey}
}

func TestDoctor_Healthy_PassesAll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	// The tests' own Postgres trades durability for speed; this one doesn't.
	dir, err := devstack.MkdirTemp("", "doctor-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stack, err := devstack.Start(ctx, devstack.Options{Dir: dir, RedisAOF: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stack.Stop(context.WithoutCancel(ctx)) }()
	if err := migrations.Up(ctx, stack.PostgresURL()); err != nil {
		t.Fatal(err)
	}
	p := &place{t, stack.PostgresURL()}
	p.ok("", "account", "create", "Acme")
	p.emulated()
	r := sendoff("", doctorArgs(stack.PostgresURL(), stack.RedisURL())...)
	d := read[diagnosis](t, r)
	want := ""
	if stack.RedisKind() != "redis-server" {
		want = "redis version, redis eviction" // the stand-in can't tell
	}
	if got := d.failed(t); got != want || len(d.Checks) != 13 {
		t.Errorf("failed: %q of %d checks: %s", got, len(d.Checks), r.out)
	}
	p.mustHide(r)
}

func TestDoctor_Faults_AreFound(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.emulated()
	p.ok("EAAB-wrong\n", "channel", "update", "1", "--secret", "access_token")
	for _, q := range []string{
		`DO $$ BEGIN EXECUTE 'DROP TABLE messages_w' || to_char(now() AT TIME ZONE 'utc' + interval '7 days', 'IYYYIW'); END $$`,
		`INSERT INTO events (message_id, account_id, kind, at) VALUES ('00000000-0000-0000-0000-000000000000', 1, 10, '2001-01-01')`,
	} {
		if _, err := p.db().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	r := sendoff("", doctorArgs(p.url, storetest.Redis(t))...)
	d := read[diagnosis](t, r)
	got := d.failed(t)
	for _, want := range []string{"fsync", "partitions", "default partitions", "channel 1"} { // the tests' Postgres has no fsync
		if !strings.Contains(got, want) {
			t.Errorf("%s was not found: %s", want, r.out)
		}
	}
	if r.code != 1 || d.OK || strings.Contains(got, "clock") || strings.Contains(got, "migrations") || strings.Contains(r.out, "EAAB-wrong") {
		t.Errorf("code %d: %s", r.code, r.out)
	}
	people := sendoff("", append(doctorArgs(p.url, storetest.Redis(t))[:1], doctorArgs(p.url, storetest.Redis(t))[2:]...)...)
	if people.code != 1 || !strings.Contains(people.out, "FAIL  fsync") || !strings.Contains(people.out, "checks failed") || people.errOut != "" {
		t.Errorf("for people: code %d: %s%s", people.code, people.out, people.errOut)
	}
}

func TestDoctor_NothingAnswers_NamesEach(t *testing.T) {
	t.Parallel()
	r := sendoff("", doctorArgs("postgres://127.0.0.1:1/x?sslmode=disable", "redis://127.0.0.1:1/0")...)
	d := read[diagnosis](t, r)
	if got := d.failed(t); r.code != 1 || got != "postgres, redis" {
		t.Errorf("code %d, failed %q", r.code, got)
	}
	r = sendoff("", "doctor", "--json")
	d = read[diagnosis](t, r)
	if got := d.failed(t); r.code != 1 || got != "configuration, configuration, configuration" {
		t.Errorf("code %d, failed %q", r.code, got)
	}
}

func TestDoctor_EmptyDatabaseAndOtherKey(t *testing.T) {
	t.Parallel()
	r := sendoff("", doctorArgs(storetest.Empty(t), "redis://127.0.0.1:1/0")...)
	d := read[diagnosis](t, r)
	if got := d.failed(t); !strings.Contains(got, "migrations") || strings.Contains(got, "partitions") {
		t.Errorf("failed %q", got)
	}
	p := newPlace(t)
	p.emulated()
	r = sendoff("", "doctor", "--json", "--postgres-url", p.url, "--redis-url", "redis://127.0.0.1:1/0", "--secret-key", "quite another secret key")
	d = read[diagnosis](t, r)
	if got := d.failed(t); !strings.Contains(got, "channels") || !strings.Contains(r.out, "sealed with") {
		t.Errorf("failed %q: %s", got, r.out)
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"6.2.0": true, "7.0.15": true, "6.0.16": false, "5.9": false, "": false, "x.y": false, "10.0": true} {
		if atLeast(version, 6, 2) != want {
			t.Errorf("%q: want %v", version, want)
		}
	}
}
