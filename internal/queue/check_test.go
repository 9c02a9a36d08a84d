package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Every Redis here answers PING and, but for the passwords, INFO.
func TestCheck_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := server(t, []string{"port PORT"})
	replica := server(t, []string{"port PORT", "replicaof 127.0.0.1 " + good})
	full := server(t, []string{"port PORT", "maxmemory 1", "maxmemory-policy noeviction"})
	noEval := server(t, []string{"port PORT", `rename-command EVAL ""`})
	limited := server(t, []string{"port PORT", "user default on nopass ~asynq:* ~other:* &* +@all"})
	granted := server(t, []string{"port PORT", "user default on nopass ~asynq:* ~sendoff:* &* +@all -@dangerous +info +eval +evalsha +script"})
	password := server(t, []string{"port PORT", "requirepass s3cret"})
	sentinel := server(t, []string{"port PORT"}, "--sentinel")
	node := server(t, []string{"port PORT", "cluster-enabled yes"})
	for _, c := range []struct{ name, url, what, cure string }{
		{"good", "redis://127.0.0.1:" + good, "", ""},
		{"the rights that the cure names", "redis://127.0.0.1:" + granted, "", ""},
		{"replica", "redis://127.0.0.1:" + replica, "replica", "primary"},
		{"full", "redis://127.0.0.1:" + full, "full", "maxmemory"},
		{"no EVAL", "redis://127.0.0.1:" + noEval, "lacks a command", "rename-command"},
		{"ACL", "redis://127.0.0.1:" + limited, "may not", "ACL SETUSER"},
		{"no password", "redis://127.0.0.1:" + password, "wants a password", "percent-encoded"},
		{"wrong password", "redis://:other@127.0.0.1:" + password, "refuses the user or the password", "correct"},
		{"cluster without slots", "redis://127.0.0.1:" + node, "cluster", "CLUSTER INFO"},
		{"no such master", "redis-sentinel://127.0.0.1:" + sentinel + "/other", "no master of that name", "SENTINEL MASTERS"},
		{"no Sentinel", "redis-sentinel://127.0.0.1:1/sendoff", "no Sentinel", "start the Sentinels"},
		{"nobody there", "redis://127.0.0.1:1", "does not answer", "start Redis"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, err := Open(c.url, 2)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err = Check(ctx, client)
			if c.what == "" {
				if err != nil {
					t.Errorf("check: %v", err)
				}
				return
			}
			f, ok := errors.AsType[*Fault](err)
			if !ok || !strings.Contains(f.What, c.what) || !strings.Contains(f.Cure, c.cure) {
				t.Errorf("check: %v; want %q, cure %q", err, c.what, c.cure)
			}
		})
	}
}
