//go:build fault

package fault

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// crossed is how many messages go through each pooler and each kind of Redis.
const crossed = 2000

// cross sends messages through what stands between serve, work and their servers.
// Each is delivered, and none sent twice.
func (s *stack) cross(middle func()) {
	s.t.Helper()
	s.StartServe()
	s.StartWork()
	x := s.SendMany(crossed)
	x.During([]int{40}, middle)
	if r := x.Check(1, "delivered"); r.Duplicates > 0 {
		s.t.Errorf("%d duplicates", r.Duplicates)
	}
	// Without Redis all is delivered too.
	drill.Until(s.t, 20*time.Second, "readiness with both servers", func() error {
		var state struct{ Status string }
		if err := s.Get(s.Dev.BaseURL+"/readyz", &state); err != nil {
			return err
		}
		if state.Status != "ready" {
			return errors.New(state.Status)
		}
		return nil
	})
}

func nothing() {}

// Debian's PgBouncer in transaction mode, which knows no prepared statements, with
// fewer connections than the processes open, and a migration in the middle.
func TestCrossing_PgBouncer(t *testing.T) {
	for _, pool := range []int{5, 2} {
		t.Run(map[int]string{5: "five connections", 2: "two connections"}[pool], func(t *testing.T) {
			s := servers(t)
			s.Set("SENDOFF_POSTGRES_URL", storetest.PgBouncer(t, s.Dev.PostgresURL, pool))
			s.cross(func() {
				s.run("migrate", "down", "--yes")
				s.run("migrate", "up")
			})
		})
	}
}

// run runs a command in the environment of serve and work.
func (s *stack) run(args ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), binary, args...)
	cmd.Env = s.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("sendoff %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func TestCrossing_RedisCluster(t *testing.T) {
	s := servers(t)
	s.Set("SENDOFF_REDIS_URL", "redis-cluster://"+strings.Join(cluster(t, nil, nil), ","))
	s.cross(nothing)
}

// A cluster that takes TLS with a private CA and client certificates only.
func TestCrossing_RedisClusterTLS(t *testing.T) {
	s := servers(t)
	dir := storetest.Certificates(t)
	nodes := cluster(t, append(tlsLines(dir), "tls-cluster yes"), []string{
		"--tls", "--cacert", dir + "/ca.pem", "--cert", dir + "/leaf.pem", "--key", dir + "/leaf.key",
	})
	s.Set("SENDOFF_REDIS_URL", "rediss-cluster://"+strings.Join(nodes, ",")+tlsQuery(dir))
	s.cross(nothing)
}

func TestCrossing_RedisTLS(t *testing.T) {
	s := servers(t)
	dir := storetest.Certificates(t)
	s.Set("SENDOFF_REDIS_URL", "rediss://127.0.0.1:"+storetest.RedisServer(t, tlsLines(dir))+"/0"+tlsQuery(dir))
	s.cross(nothing)
}

// Three Sentinels and their primary have passwords, and not the same ones.
func TestCrossing_RedisSentinel(t *testing.T) {
	s := servers(t)
	primary := storetest.RedisServer(t, []string{"port PORT", "requirepass s3cret", "masterauth s3cret"})
	var sentinels []string
	for range 3 {
		sentinels = append(sentinels, "127.0.0.1:"+storetest.RedisServer(t, []string{
			"port PORT", "requirepass other", "sentinel sentinel-pass other", "sentinel monitor primary 127.0.0.1 " + primary + " 2",
			"sentinel auth-pass primary s3cret",
		}, "--sentinel"))
	}
	s.Set("SENDOFF_REDIS_URL", "redis-sentinel://:s3cret@"+strings.Join(sentinels, ",")+"/primary?sentinel_password=other")
	s.cross(nothing)
}

// tlsLines are the settings of a redis-server that takes TLS only, and asks for
// certificates.
func tlsLines(dir string) []string {
	return []string{
		"port 0", "tls-port PORT", "tls-cert-file " + dir + "/leaf.pem", "tls-key-file " + dir + "/leaf.key",
		"tls-ca-cert-file " + dir + "/ca.pem",
	}
}

func tlsQuery(dir string) string {
	return "?ca_file=" + dir + "/ca.pem&cert_file=" + dir + "/leaf.pem&key_file=" + dir + "/leaf.key"
}

// cluster starts three nodes with the given lines, of which each has a third of the
// slots, and returns their addresses. arguments are redis-cli's.
func cluster(t *testing.T, lines, arguments []string) []string {
	t.Helper()
	if lines == nil {
		lines = []string{"port PORT"}
	}
	var nodes []string
	for range 3 {
		port := storetest.RedisServer(t, append(slices.Clone(lines), "cluster-enabled yes", "cluster-announce-ip 127.0.0.1"))
		nodes = append(nodes, "127.0.0.1:"+port)
	}
	args := slices.Concat(arguments, []string{"--cluster", "create"}, nodes, []string{"--cluster-yes"})
	if out, err := exec.CommandContext(t.Context(), "redis-cli", args...).CombinedOutput(); err != nil {
		t.Fatalf("create the cluster: %v: %s", err, out)
	}
	return nodes
}
