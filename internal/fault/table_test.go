//go:build fault

package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// TestTable sends messages through every combination of pooler, kind of Redis and
// TLS, and prints the rows of the table of docs/reliability.md (`make crossings`).
func TestTable(t *testing.T) {
	if os.Getenv("SENDOFF_FAULT_TABLE") == "" {
		t.Skip("make crossings runs it: it takes minutes")
	}
	var rows []string
	for _, pooler := range []string{"none", "PgBouncer, 5 connections"} {
		for _, redis := range []string{"one", "Sentinel", "Cluster"} {
			for _, tls := range []string{"no", "yes"} {
				t.Run(pooler+", "+redis+", TLS "+tls, func(t *testing.T) {
					s := servers(t)
					s.redis(redis, tls == "yes")
					s.postgres(pooler != "none", tls == "yes")
					var version string
					storetest.Must(t, s.DB.QueryRow(`SELECT split_part(current_setting('server_version'), ' ', 1)`).Scan(&version))
					r := s.cross(2, nothing)
					rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %d | %d | %d | %.1f s |", version, pooler, redis, tls, r.Accepted, r.Lost,
						r.Duplicates, r.Recovered.Seconds()))
				})
			}
		}
	}
	for _, r := range rows {
		fmt.Println(r)
	}
}

// redis has the stack use a kind of Redis.
func (s *stack) redis(kind string, tls bool) {
	s.t.Helper()
	scheme, query, lines, arguments := "redis", "", []string{"port PORT"}, []string(nil)
	if tls {
		dir := storetest.Certificates(s.t)
		scheme, query, lines, arguments = "rediss", tlsQuery(dir), append(tlsLines(dir), "tls-replication yes"), tlsArguments(dir)
	}
	switch kind {
	case "one":
		s.Set("SENDOFF_REDIS_URL", scheme+"://127.0.0.1:"+storetest.RedisServer(s.t, lines)+"/0"+query)
	case "Sentinel":
		address, _ := sentinel(s.t, lines, arguments)
		if tls {
			address += "&" + query[1:]
		}
		s.Set("SENDOFF_REDIS_URL", scheme+"-"+address)
	case "Cluster":
		if tls {
			lines = append(lines, "tls-cluster yes")
		}
		s.Set("SENDOFF_REDIS_URL", scheme+"-cluster://"+addresses(cluster(s.t, lines, arguments, 0))+query)
	}
}

// postgres has the stack use Postgres with TLS, through a pooler.
func (s *stack) postgres(pooler, tls bool) {
	s.t.Helper()
	address, lines := s.Dev.PostgresURL, []string(nil)
	if tls {
		dir := s.encrypt()
		address = strings.Replace(address, "sslmode=disable", "sslmode=verify-full&sslrootcert="+dir+"/ca.pem", 1)
		lines = []string{
			"client_tls_sslmode = require", "client_tls_cert_file = " + dir + "/leaf.pem", "client_tls_key_file = " + dir + "/leaf.key",
			"server_tls_sslmode = verify-full", "server_tls_ca_file = " + dir + "/ca.pem",
		}
	}
	s.Set("SENDOFF_POSTGRES_URL", address)
	if pooler {
		s.pooled(address, 5, lines...)
	}
}

// encrypt has Postgres take TLS, and returns the folder of its certificates, which
// its own user may read.
func (s *stack) encrypt() string {
	s.t.Helper()
	var dir string
	storetest.Must(s.t, s.DB.QueryRow(`SHOW data_directory`).Scan(&dir))
	info, err := os.Stat(dir)
	storetest.Must(s.t, err)
	owner := info.Sys().(*syscall.Stat_t)
	from := storetest.Certificates(s.t)
	for _, name := range []string{"ca.pem", "leaf.pem", "leaf.key"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		storetest.Must(s.t, err)
		storetest.Must(s.t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
		storetest.Must(s.t, os.Chown(filepath.Join(dir, name), int(owner.Uid), int(owner.Gid)))
	}
	for _, statement := range []string{
		`ALTER SYSTEM SET ssl_cert_file = 'leaf.pem'`, `ALTER SYSTEM SET ssl_key_file = 'leaf.key'`, `ALTER SYSTEM SET ssl = on`,
		`SELECT pg_reload_conf()`,
	} {
		_, err := s.DB.ExecContext(s.t.Context(), statement)
		storetest.Must(s.t, err)
	}
	drill.Until(s.t, 10*time.Second, "TLS", func() error {
		var on string
		if err := s.DB.QueryRow(`SHOW ssl`).Scan(&on); err != nil || on != "on" {
			return fmt.Errorf("%q %w", on, err)
		}
		return nil
	})
	return dir
}
