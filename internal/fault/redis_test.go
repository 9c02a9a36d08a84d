//go:build fault

package fault

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/docs"
	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestCrossing_RedisTLS(t *testing.T) {
	s := servers(t)
	dir := storetest.Certificates(t)
	s.Set("SENDOFF_REDIS_URL", "rediss://127.0.0.1:"+storetest.RedisServer(t, tlsLines(dir))+"/0"+tlsQuery(dir))
	s.cross(1, nothing)
}

// A user with the rights that the documentation names, and no others.
func TestCrossing_RedisUser(t *testing.T) {
	s := servers(t)
	text, err := docs.FS.ReadFile("operations.md")
	storetest.Must(t, err)
	rights := regexp.MustCompile("ACL SETUSER sendoff on '>PASSWORD' ([^`]+)`").FindSubmatch(text)
	if rights == nil {
		t.Fatal("docs/operations.md names no rights of a Redis user")
	}
	port := storetest.RedisServer(t, []string{"port PORT", "user sendoff on >s3cret " + string(rights[1]), "user default off"})
	s.Set("SENDOFF_REDIS_URL", "redis://sendoff:s3cret@127.0.0.1:"+port+"/0")
	s.cross(1, nothing)
}

// Three Sentinels, a primary and its replica have passwords, and not the same
// ones; the primary is killed.
func TestCrossing_RedisSentinel(t *testing.T) {
	s := servers(t)
	address, primary := sentinel(t, nil, nil)
	s.Set("SENDOFF_REDIS_URL", "redis-"+address)
	s.cross(1, func() { primary.kill(t) })
}

// The primary of a third of the slots is killed; its replica takes over.
func TestCrossing_RedisCluster(t *testing.T) {
	s := servers(t)
	nodes := cluster(t, nil, nil, 1)
	s.Set("SENDOFF_REDIS_URL", "redis-cluster://"+addresses(nodes))
	s.cross(1, func() { nodes[0].kill(t) })
}

// Slots move from one node to another under load.
func TestCrossing_RedisClusterResharded(t *testing.T) {
	s := servers(t)
	nodes := cluster(t, nil, nil, 0)
	s.Set("SENDOFF_REDIS_URL", "redis-cluster://"+addresses(nodes))
	s.cross(1, func() {
		from, to := nodes[0].cli(t, "cluster", "myid"), nodes[1].cli(t, "cluster", "myid")
		out, err := exec.CommandContext(t.Context(), "redis-cli", "--cluster", "reshard", nodes[0].address(), "--cluster-from", from,
			"--cluster-to", to, "--cluster-slots", "5461", "--cluster-yes").CombinedOutput()
		if err != nil {
			t.Errorf("reshard: %v: %s", err, out)
		}
	})
}

// A cluster that takes TLS with a private CA and client certificates only.
func TestCrossing_RedisClusterTLS(t *testing.T) {
	s := servers(t)
	dir := storetest.Certificates(t)
	nodes := cluster(t, append(tlsLines(dir), "tls-cluster yes"), tlsArguments(dir), 0)
	s.Set("SENDOFF_REDIS_URL", "rediss-cluster://"+addresses(nodes)+tlsQuery(dir))
	s.cross(1, nothing)
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

func tlsArguments(dir string) []string {
	return []string{"--tls", "--cacert", dir + "/ca.pem", "--cert", dir + "/leaf.pem", "--key", dir + "/leaf.key"}
}

// node is a redis-server, and what redis-cli needs to talk to it.
type node struct {
	port      string
	arguments []string
}

func (n node) address() string { return "127.0.0.1:" + n.port }

// cli runs a command with redis-cli.
func (n node) cli(t *testing.T, command ...string) string {
	t.Helper()
	args := slices.Concat([]string{"-p", n.port, "--no-auth-warning"}, n.arguments, command)
	out, err := exec.CommandContext(t.Context(), "redis-cli", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %q: %v: %s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

var processID = regexp.MustCompile(`process_id:(\d+)`)

// kill is kill -9 of the server.
func (n node) kill(t *testing.T) {
	t.Helper()
	pid := processID.FindStringSubmatch(n.cli(t, "info", "server"))
	if pid == nil {
		t.Fatal("redis-server shows no process id")
	}
	kill(t, pid[1])
}

func addresses(nodes []node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.address())
	}
	return strings.Join(out, ",")
}

// cluster starts three primaries with the given lines, of which each has a third of
// the slots and so many replicas. The primaries are the first three. arguments are
// redis-cli's.
func cluster(t *testing.T, lines, arguments []string, replicas int) []node {
	t.Helper()
	if lines == nil {
		lines = []string{"port PORT"}
	}
	var nodes []node
	for range 3 * (1 + replicas) {
		port := storetest.RedisServer(t, append(slices.Clone(lines), "cluster-enabled yes", "cluster-announce-ip 127.0.0.1",
			"cluster-node-timeout 2000"))
		nodes = append(nodes, node{port, arguments})
	}
	args := slices.Concat(arguments, []string{"--cluster", "create"}, strings.Split(addresses(nodes), ","),
		[]string{"--cluster-replicas", fmt.Sprint(replicas), "--cluster-yes"})
	if out, err := exec.CommandContext(t.Context(), "redis-cli", args...).CombinedOutput(); err != nil {
		t.Fatalf("create the cluster: %v: %s", err, out)
	}
	for _, n := range nodes[3:] {
		n.follows(t)
	}
	return nodes
}

// follows waits until the node is a replica that has its primary's data.
func (n node) follows(t *testing.T) {
	t.Helper()
	drill.Until(t, 30*time.Second, "a replica", func() error {
		if info := n.cli(t, "info", "replication"); !strings.Contains(info, "master_link_status:up") {
			return fmt.Errorf("%s", info)
		}
		return nil
	})
}

// sentinel starts a primary and its replica with the given lines, and three
// Sentinels, with passwords. It returns what follows redis- or rediss- in the
// address, and the primary. arguments are redis-cli's.
func sentinel(t *testing.T, lines, arguments []string) (string, node) {
	t.Helper()
	if lines == nil {
		lines = []string{"port PORT"}
	}
	arguments = append(slices.Clone(arguments), "-a", "s3cret")
	server := func(more ...string) node {
		return node{storetest.RedisServer(t, slices.Concat(lines, []string{"requirepass s3cret", "masterauth s3cret"}, more)), arguments}
	}
	primary := server()
	server("replicaof 127.0.0.1 " + primary.port).follows(t)
	var sentinels []node
	for range 3 {
		port := storetest.RedisServer(t, slices.Concat(lines, []string{
			"requirepass other", "sentinel sentinel-pass other", "sentinel monitor primary 127.0.0.1 " + primary.port + " 2",
			"sentinel auth-pass primary s3cret", "sentinel down-after-milliseconds primary 2000",
		}), "--sentinel")
		sentinels = append(sentinels, node{port, append(slices.Clone(arguments), "-a", "other")})
	}
	drill.Until(t, 30*time.Second, "the Sentinels know the replica and one another", func() error {
		for _, n := range sentinels {
			if info := n.cli(t, "info", "sentinel"); !strings.Contains(info, "slaves=1,sentinels=3") {
				return fmt.Errorf("%s", info)
			}
		}
		return nil
	})
	return "sentinel://:s3cret@" + addresses(sentinels) + "/primary?sentinel_password=other", primary
}
