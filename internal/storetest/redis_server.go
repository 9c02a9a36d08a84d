package storetest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/wait"
)

// RedisServer starts a redis-server of the test's own with the given lines of
// configuration, in which PORT is its port, and returns that port. extra arguments
// follow the file's name.
func RedisServer(t testing.TB, lines []string, extra ...string) (port string) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, err)
	}
	for range 5 { // the port, or that of a cluster's bus, may be taken meanwhile
		if port = startRedis(t, bin, lines, extra); port != "" {
			return port
		}
	}
	t.Fatal("redis-server does not start")
	return ""
}

// startRedis returns the port of a redis-server, or "" if it ended.
func startRedis(t testing.TB, bin string, lines, extra []string) string {
	t.Helper()
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
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
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	wait.Until(t, "redis-server listens or ends", func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		up := answers(address)
		return up && answers(address) // one that ends for its bus port resets the first connection
	})
	select {
	case <-ended:
		return ""
	default:
		return port
	}
}

// answers reports whether a server takes a connection and answers a PING, or, for it
// speaks TLS, closes the connection.
func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	_, err = c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// missing skips a test that needs a program, or fails it where all have to be there.
func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("SENDOFF_TEST_REQUIRED") == "" {
		t.Skip("SKIPPED, NOT TESTED: ", err)
	}
	t.Fatal(err)
}
