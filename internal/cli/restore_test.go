package cli

import (
	"testing"

	"github.com/sendoff/sendoff/internal/storetest"
)

// What is held, listed and released is held by internal/e2e; here are the refusals
// and the forms of the answers.
func TestRestore_Commands(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	db := storetest.Open(t, url, 1)
	run := func(args ...string) (int, string) {
		r := sendoff("", append(append([]string{"restore"}, args...), "--postgres-url", url)...)
		return r.Code, r.Out + r.Err
	}
	const worker = "INSERT INTO instances (id, role, host) VALUES (gen_random_uuid(), 'work', 'a')"
	if _, err := db.ExecContext(t.Context(), worker); err != nil {
		t.Fatal(err)
	}
	const busy = "sendoff: 1 processes of serve and work use this database: stop them, wait 20 seconds, and repeat\n"
	if code, out := run("hold"); code != 1 || out != busy {
		t.Errorf("beside a worker: %d, %s", code, out)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE instances SET seen_at = now() - interval '1 hour'"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{[]string{"hold"}, 0, "held: 0 messages are unknown, 0 campaigns are paused, 0 fallbacks are dropped\n"},
		{[]string{"hold", "--json"}, 0, "{\n  \"messages\": 0,\n  \"campaigns\": 0,\n  \"fallbacks\": 0\n}\n"},
		{[]string{"list", "--json"}, 0, "{\n  \"data\": []\n}\n"},
		{[]string{"campaigns"}, 0, "ID  ACCOUNT  NAME  WAITING  TOTAL\n"},
		{[]string{"campaigns", "--json"}, 0, "{\n  \"data\": []\n}\n"},
		{[]string{"release", "--all"}, 0, "released 0 messages\n"},
		{
			[]string{"release", "0198c0de-0000-7000-8000-000000000001"},
			0,
			"released 0 messages; 1 are not held, or have expired\n",
		},
		{[]string{"release", "0198c0de-0000-7000-8000-000000000001", "--json"}, 0, "{\n  \"left\": 1,\n  \"released\": 0\n}\n"},
		{[]string{"release"}, 2, "sendoff: give either message ids or --all\n"},
		{[]string{"release", "x"}, 2, "sendoff: \"x\" is not a message id\n"},
	} {
		if code, out := run(c.args...); code != c.code || out != c.out {
			t.Errorf("%v: %d, %q; want %d, %q", c.args, code, out, c.code, c.out)
		}
	}
}
