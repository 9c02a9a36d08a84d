package cli

import (
	"database/sql"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// crossing is a set-up that does not work, and what doctor prints about it.
type crossing struct{ name, postgres, redis, check, detail, fix string }

// doctor names each wrong set-up and its cure; no password is shown.
func TestDoctor_WrongSetUps_AreNamed(t *testing.T) {
	t.Parallel()
	good, redis := storetest.Session(t, "it is about what doctor finds without a pooler"), storetest.Redis(t)
	for _, c := range slices.Concat(wrongPostgres(t, good), wrongRedis(t)) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.postgres == "" {
				c.postgres = good
			}
			if c.redis == "" {
				c.redis = redis
			}
			r := sendoff("", doctorArgs(c.postgres, c.redis)...)
			d := clitest.Read[diagnosis](t, r)
			at := slices.IndexFunc(d.Checks, func(f console.Finding) bool {
				return !f.OK && f.Name == c.check && strings.Contains(f.Detail, c.detail) && strings.Contains(f.Fix, c.fix)
			})
			if at < 0 || r.Code != 1 {
				t.Errorf("code %d, no failed check %s with %q and the cure %q: %s", r.Code, c.check, c.detail, c.fix, r.Out)
			}
			if strings.Contains(r.Out+r.Err, "s3cret") {
				t.Errorf("a password is shown: %s", r.Out)
			}
		})
	}
}

// wrongPostgres returns the wrong set-ups of Postgres and poolers.
func wrongPostgres(t *testing.T, good string) []crossing {
	t.Helper()
	changed := func(change func(u *url.URL)) string {
		u, err := url.Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	set := func(setting string) string {
		address := storetest.Session(t, "settings of a database reach new sessions only")
		execute(t, address, fmt.Sprintf("ALTER DATABASE %s SET %s", databaseOf(t, address), setting))
		return address
	}
	pooled := storetest.PgBouncer(t, good, 5)
	serializable := storetest.PgBouncer(t, set("default_transaction_isolation = serializable"), 5)
	return []crossing{
		{"pooler without prepared statements", pooled, "", "pooler", "in transaction mode", "max_prepared_statements"},
		{"pooler without settings", pooled, "", "pooler settings", "ALTER ROLE", "SET statement_timeout"},
		{"isolation", serializable, "", "postgres isolation", "serializable", "read committed"},
		{"read-only", set("default_transaction_read_only = on"), "", "postgres", "read-only", "target_session_attrs=read-write"},
		{"standby", standby(t), "", "postgres", "a standby in recovery", "name the primary"},
		{"encoding", latin1(t, good), "", "postgres encoding", "LATIN1", "UTF8"},
		{"durability", set("synchronous_commit = off"), "", "synchronous_commit", "off", "synchronous_commit = on"},
		{"tables that may not be read", stranger(t), "", "rights", "may not read and write", "GRANT"},
		{
			"password", changed(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "s3cret") }), "", "postgres",
			"password authentication failed", "correct the password",
		},
		{"slash in the password", "postgres://u:a/s3cret@h:5432/d", "", "configuration", "%2F", "set it"},
		{
			"parameter of another client", changed(func(u *url.URL) { u.RawQuery += "&pool_max_conns=5" }), "", "postgres", "pool_max_conns",
			"remove the parameter",
		},
		{"TLS", changed(func(u *url.URL) { u.RawQuery = "sslmode=require" }), "", "postgres", "SSL is not enabled", "sslmode=disable"},
		{"nobody there", "postgres://127.0.0.1:1/x?sslmode=disable", "", "postgres", "refused", "start Postgres"},
		{"no database", changed(func(u *url.URL) { u.Path = "/nothing_there" }), "", "postgres", "does not exist", "create the database"},
	}
}

// standby returns the address of a hot standby.
func standby(t *testing.T) string {
	return storetest.Standby(t, storetest.Durable(t).PostgresURL()).URL()
}

// wrongRedis returns the wrong set-ups of Redis.
func wrongRedis(t *testing.T) []crossing {
	t.Helper()
	server := func(lines ...string) string {
		return "redis://127.0.0.1:" + storetest.RedisServer(t, append([]string{"port PORT"}, lines...))
	}
	password := server("requirepass s3cret")
	dir := storetest.Certificates(t)
	withTLS := storetest.RedisServer(t, []string{
		"port 0", "tls-port PORT", "tls-cert-file " + dir + "/leaf.pem", "tls-key-file " + dir + "/leaf.key",
		"tls-ca-cert-file " + dir + "/ca.pem",
	})
	return []crossing{
		{"full", "", server("maxmemory 1", "maxmemory-policy noeviction"), "redis", "full", "raise maxmemory"},
		{"evicts", "", server("maxmemory-policy allkeys-lru"), "redis eviction", "allkeys-lru", "noeviction"},
		{"replica", "", server("replicaof 127.0.0.1 1"), "redis", "replica", "redis-sentinel://"},
		{"node of a cluster", "", "redis://127.0.0.1:" + clusterNode(t), "redis", "node of a cluster", "redis-cluster://"},
		{"rights", "", server("user default on nopass ~asynq:* &* +@all"), "redis", "may not do", "ACL SETUSER"},
		{"no EVAL", "", server(`rename-command EVAL ""`), "redis", "lacks a command", "rename-command"},
		{"no password", "", password, "redis", "wants a password", "percent-encoded"},
		{"wrong password", "", strings.Replace(password, "//", "//:s3cret2@", 1), "redis", "refuses", "correct them"},
		{"nobody there", "", "redis://127.0.0.1:1/0", "redis", "does not answer", "start Redis"},
		{"slash in the password", "", "redis://:a/s3cret@h:6379/0", "redis", "%2F", "correct SENDOFF_REDIS_URL"},
		{"word that means nothing", "", "redis-cluster://h:6379?tls=true", "redis", "tls", "correct SENDOFF_REDIS_URL"},
		{"no TLS there", "", strings.Replace(password, "redis://", "rediss://", 1), "redis", "", "redis:// without"},
		{"TLS there", "", "redis://127.0.0.1:" + withTLS, "redis", "", "rediss:// for TLS"},
		{"unknown CA", "", "rediss://127.0.0.1:" + withTLS, "redis", "TLS to Redis fails", "ca_file="},
		{"no certificate", "", "rediss://127.0.0.1:" + withTLS + "?ca_file=" + dir + "/ca.pem", "redis", "", "cert_file="},
	}
}

// A Redis that is about to refuse writes is a fault before it does.
func TestDoctor_RedisMemory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		used, most, detail string
		ok                 bool
	}{
		{"104857600", "0", "100 MiB used, without a limit", true},
		{"52428800", "104857600", "50 of 100 MiB used", true},
		{"99614720", "104857600", "95 of 100 MiB used", false},
	} {
		d := &doctor{}
		d.memory(map[string]string{"used_memory": c.used, "maxmemory": c.most})
		if f := d.findings[0]; f.OK != c.ok || f.Detail != c.detail || f.OK != (f.Fix == "") {
			t.Errorf("%s of %s: %+v", c.used, c.most, f)
		}
	}
}

// clusterNode returns the port of a node that has half of the slots: keys of the
// others are moved.
func clusterNode(t *testing.T) string {
	t.Helper()
	port := storetest.RedisServer(t, []string{"port PORT", "cluster-enabled yes", "cluster-require-full-coverage no"})
	other := storetest.RedisServer(t, []string{"port PORT", "cluster-enabled yes", "cluster-require-full-coverage no"})
	for _, args := range [][]string{
		{"-p", port, "cluster", "addslotsrange", "0", "8191"},
		{"-p", other, "cluster", "addslotsrange", "8192", "16383"},
		{"-p", port, "cluster", "meet", "127.0.0.1", other},
	} {
		if out, err := exec.CommandContext(t.Context(), "redis-cli", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	wait.Until(t, "the cluster to be up", func() bool {
		out, err := exec.CommandContext(t.Context(), "redis-cli", "-p", port, "cluster", "info").Output()
		return err == nil && strings.Contains(string(out), "cluster_state:ok") && strings.Contains(string(out), "cluster_slots_assigned:16384")
	})
	return port
}

// latin1 returns a database of that encoding.
func latin1(t *testing.T, good string) string {
	t.Helper()
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	name := databaseOf(t, good) + "_latin1"
	execute(t, good, "CREATE DATABASE "+name+" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { execute(t, good, "DROP DATABASE "+name+" WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// stranger returns the address of a database for a role that may do nothing there.
func stranger(t *testing.T) string {
	t.Helper()
	address := storetest.Session(t, "its role is none of the pooler's")
	role := "stranger_" + databaseOf(t, address)
	execute(t, address, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'")
	t.Cleanup(func() { execute(t, address, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	execute(t, address, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+role)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "x")
	return u.String()
}

func databaseOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// execute runs a statement on the database at address.
func execute(t *testing.T, address, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}
