package cli

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

type diagnosis struct {
	OK     bool              `json:"ok"`
	Checks []console.Finding `json:"checks"`
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
	return []string{"doctor", "--json", "--postgres-url", postgres, "--redis-url", redis, "--secret-key", clitest.SecretKey}
}

func TestDoctor_Healthy_PassesAll(t *testing.T) {
	t.Parallel()
	stack := storetest.Durable(t)
	p := &clitest.Place{T: t, URL: stack.PostgresURL(), Run: Run}
	p.OK("", "account", "create", "Acme")
	p.Emulated()
	if _, err := p.DB().Exec(`INSERT INTO instances (id, role, host) VALUES (gen_random_uuid(), 'work', 'test')`); err != nil {
		t.Fatal(err)
	}
	r := sendoff("", append(doctorArgs(stack.PostgresURL(), stack.RedisURL()), "--public-url", "https://sendoff.example.com")...)
	d := clitest.Read[diagnosis](t, r)
	want := ""
	if stack.RedisKind() != "redis-server" {
		want = "redis version, redis eviction" // the stand-in can't tell
	}
	if got := d.failed(t); got != want || len(d.Checks) != 27 {
		t.Errorf("failed: %q of %d checks: %s", got, len(d.Checks), r.Out)
	}
	p.MustHide(r)
}

func TestDoctor_Faults_AreFound(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, Run)
	p.Emulated()
	p.OK("EAAB-wrong\n", "channel", "update", "1", "--secret", "access_token")
	for _, q := range []string{
		`DO $$ BEGIN EXECUTE 'DROP TABLE messages_w' || to_char(now() AT TIME ZONE 'utc' + interval '7 days', 'IYYYIW'); END $$`,
		`INSERT INTO events (message_id, account_id, kind, at) VALUES ('00000000-0000-0000-0000-000000000000', 1, 10, '2001-01-01')`,
	} {
		if _, err := p.DB().Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	r := sendoff("", doctorArgs(p.URL, storetest.Redis(t))...)
	d := clitest.Read[diagnosis](t, r)
	got := d.failed(t)
	for _, want := range []string{"fsync", "partitions", "default partitions", "channel 1"} { // the tests' Postgres has no fsync
		if !strings.Contains(got, want) {
			t.Errorf("%s was not found: %s", want, r.Out)
		}
	}
	if r.Code != 1 || d.OK || strings.Contains(got, "clock") || strings.Contains(got, "migrations") ||
		strings.Contains(r.Out, "EAAB-wrong") {
		t.Errorf("code %d: %s", r.Code, r.Out)
	}
	people := sendoff("", append(doctorArgs(p.URL, storetest.Redis(t))[:1], doctorArgs(p.URL, storetest.Redis(t))[2:]...)...)
	if people.Code != 1 || !strings.Contains(people.Out, "FAIL  fsync") || !strings.Contains(people.Out, "checks failed") ||
		people.Err != "" {
		t.Errorf("for people: code %d: %s%s", people.Code, people.Out, people.Err)
	}
}

// What a running installation suffers from is found, and looking changes nothing.
func TestDoctor_State(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, Run)
	p.Emulated()
	const old = "an old secret key for tests"
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := p.DB().Exec(q, args...); err != nil {
			t.Fatal(err)
		}
	}
	rows := func() (n int) {
		t.Helper()
		if err := p.DB().QueryRow(`SELECT (SELECT count(*) FROM ignored_callbacks) + (SELECT count(*) FROM instances) + (SELECT count(*) FROM ` +
			`audit_log)`).
			Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	exec(`INSERT INTO callback_counts (channel_id, span, reason, n, last_at)
		VALUES (1, now(), 'signature', 54, now()), (1, now() - interval '3 hours', '', 7, '2026-01-02 03:04:05Z')`)
	exec(`INSERT INTO campaigns (account_id, name, definition, state, launched_at) VALUES (1, 'x', '{}', 1, now())`)
	exec(`INSERT INTO campaign_counts (campaign_id, status, reason, n) SELECT id, 10, 0, 5 FROM campaigns`)
	exec(`INSERT INTO channel_health (channel_id, state, reason) VALUES (1, 'paused', 'number under review')`)
	exec(`INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane)
		VALUES (gen_random_uuid(), 1, 1, now() - interval '10 minutes', now() - interval '10 minutes', now() + interval '1 hour', 1)`)
	exec(`INSERT INTO messages (id, account_id, channel_id, key_id, lane, type, recipient, content, status, sent_at, expires_at, created_at)
		SELECT uuid_floor(now() - interval '10 minutes' + i * interval '1 ms'), 1, 1, 0, 1, 'text', '+15550000100', '{}', $1,
			now() - interval '9 minutes', now(), now() - interval '10 minutes' FROM generate_series(1, 12) AS i`, int(dispatch.Sent))
	before := rows()
	args := append(doctorArgs(p.URL, storetest.Redis(t)), "--public-url", "http://sendoff.example.com")
	for i, a := range args {
		if a == clitest.SecretKey {
			args[i] = old + "," + clitest.SecretKey
		}
	}
	r := sendoff("", args...)
	d := clitest.Read[diagnosis](t, r)
	got := d.failed(t)
	for _, want := range []string{
		"workers", "public address", "channel 1", "oldest message", "callbacks of channel 1", "secrets", "campaign counts",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s was not found: %s", want, r.Out)
		}
	}
	for _, want := range []string{
		"number under review", "12 sent in the last hour, no callback since 2026-01-02", ", 54 rejected: signature", "campaign 1",
		"sendoff secrets rotate", "due since 10m",
	} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("no word of %q: %s", want, r.Out)
		}
	}
	if strings.Contains(got, "rights") || strings.Contains(got, "disk") || rows() != before {
		t.Errorf("failed %s, %d rows before and %d after", got, before, rows())
	}
}

func TestDoctor_NothingAnswers_NamesEach(t *testing.T) {
	t.Parallel()
	r := sendoff("", doctorArgs("postgres://127.0.0.1:1/x?sslmode=disable", "redis://127.0.0.1:1/0")...)
	d := clitest.Read[diagnosis](t, r)
	if got := d.failed(t); r.Code != 1 || got != "postgres, redis" {
		t.Errorf("code %d, failed %q", r.Code, got)
	}
	r = sendoff("", "doctor", "--json")
	d = clitest.Read[diagnosis](t, r)
	if got := d.failed(t); r.Code != 1 || got != "configuration, configuration, configuration" {
		t.Errorf("code %d, failed %q", r.Code, got)
	}
}

func TestDoctor_EmptyDatabaseAndOtherKey(t *testing.T) {
	t.Parallel()
	r := sendoff("", doctorArgs(storetest.Empty(t), "redis://127.0.0.1:1/0")...)
	d := clitest.Read[diagnosis](t, r)
	if got := d.failed(t); !strings.Contains(got, "migrations") || strings.Contains(got, "partitions") {
		t.Errorf("failed %q", got)
	}
	p := clitest.New(t, Run)
	p.Emulated()
	r = sendoff(
		"",
		"doctor",
		"--json",
		"--postgres-url",
		p.URL,
		"--redis-url",
		"redis://127.0.0.1:1/0",
		"--secret-key",
		"quite another secret key",
	)
	d = clitest.Read[diagnosis](t, r)
	if got := d.failed(t); !strings.Contains(got, "secrets, channel 1") ||
		!strings.Contains(r.Out, "no key of SENDOFF_SECRET_KEY opens its secrets") || strings.Contains(r.Out, "encrypted with the newest key") {
		t.Errorf("failed %q: %s", got, r.Out)
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"6.2.0": true, "7.0.15": true, "6.0.16": false, "5.9": false, "": false,
		"x.y": false, "10.0": true,
	} {
		if atLeast(version, 6, 2) != want {
			t.Errorf("%q: want %v", version, want)
		}
	}
}
