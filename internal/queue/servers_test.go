package queue

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/storetest"
)

// server starts a redis-server.
func server(t *testing.T, lines []string, extra ...string) (port string) {
	t.Helper()
	return storetest.RedisServer(t, lines, extra...)
}

// eventually waits until ok, at most 10 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within 10 s: %s", what)
		case <-tick.C:
		}
	}
}

func answers(t *testing.T, url string) {
	t.Helper()
	c, err := Open(url, 4)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer func() { _ = c.Close() }()
	eventually(t, url+" answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err = c.Set(ctx, "greeting", "hello", time.Minute).Err()
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
}

func TestOpen_SentinelWithPassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sentinels, query string }{
		{"none of the Sentinels'", "", ""},
		{"the same as the server's", "requirepass s3cret", ""},
		{"another", "requirepass other", "?sentinel_password=other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			master := server(t, []string{"port PORT", "requirepass s3cret"})
			sentinel := server(t, []string{
				"port PORT", "sentinel monitor primary 127.0.0.1 " + master + " 1", "sentinel auth-pass primary s3cret", c.sentinels,
			}, "--sentinel")
			answers(t, "redis-sentinel://:s3cret@127.0.0.1:"+sentinel+"/primary"+c.query)
		})
	}
}

func TestOpen_TLS_PrivateCAAndClientCertificate(t *testing.T) {
	t.Parallel()
	dir := storetest.Certificates(t)
	tls := []string{
		"port 0",
		"tls-port PORT",
		"tls-cert-file " + dir + "/leaf.pem",
		"tls-key-file " + dir + "/leaf.key",
		"tls-ca-cert-file " + dir + "/ca.pem",
	}
	query := "?ca_file=" + dir + "/ca.pem&cert_file=" + dir + "/leaf.pem&key_file=" + dir + "/leaf.key"
	answers(t, "rediss://127.0.0.1:"+server(t, tls)+"/0"+query)

	port := server(t, append(tls, "cluster-enabled yes", "tls-cluster yes", "cluster-announce-ip 127.0.0.1"))
	slots := exec.CommandContext(
		t.Context(),
		"redis-cli",
		"--tls",
		"--cacert",
		dir+"/ca.pem",
		"--cert",
		dir+"/leaf.pem",
		"--key",
		dir+"/leaf.key",
		"-p",
		port,
		"cluster",
		"addslotsrange",
		"0",
		"16383",
	)
	if out, err := slots.CombinedOutput(); err != nil {
		t.Fatalf("give the node all slots: %v: %s", err, out)
	}
	answers(t, "rediss-cluster://127.0.0.1:"+port+query)
}
