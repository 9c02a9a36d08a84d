package queue

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
)

// server starts a redis-server with the given lines of configuration and returns
// its port. extra arguments follow the file's name.
func server(t *testing.T, lines []string, extra ...string) (port string) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("SENDOFF_TEST_REQUIRED") == "" {
			t.Skip("redis-server is not installed")
		}
		t.Fatal(err)
	}
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(address)
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	text := strings.ReplaceAll(strings.Join(append([]string{"bind 127.0.0.1", "dir " + dir, `save ""`}, lines...), "\n"), "PORT", port)
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{file}, extra...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "listens on "+port, func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return port
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
	dir := certificates(t)
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

// certificates makes a CA and a certificate for 127.0.0.1 that is good for
// servers and clients, and returns their folder.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	caKey, leafKey := newKey(t), newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(
			1,
		), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{
			net.IPv4(127, 0, 0, 1),
		}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	write(t, dir+"/ca.pem", "CERTIFICATE", sign(t, ca, ca, &caKey.PublicKey, caKey))
	write(t, dir+"/leaf.pem", "CERTIFICATE", sign(t, leaf, ca, &leafKey.PublicKey, caKey))
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/leaf.key", "PRIVATE KEY", der)
	return dir
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t *testing.T, c, parent *x509.Certificate, public *ecdsa.PublicKey, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(fmt.Errorf("write %s: %w", path, err))
	}
}
