package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNoPgBouncer is returned if the program is not installed.
var ErrNoPgBouncer = errors.New("find pgbouncer: install it, or run scripts/setup.sh test")

// PgBouncer is a running PgBouncer in transaction mode, which tests put between
// Sendoff and Postgres.
type PgBouncer struct {
	url, address string
	command      func() *exec.Cmd
	process      *process
}

// URL returns the address of postgres through the pooler.
func (p *PgBouncer) URL() string { return p.url }

// Stop ends the pooler.
func (p *PgBouncer) Stop(ctx context.Context) error {
	return p.process.end(ctx, syscall.SIGTERM, syscall.SIGTERM)
}

// Crash kills the pooler and starts it again on its port.
func (p *PgBouncer) Crash(ctx context.Context) error {
	if err := p.process.end(ctx, syscall.SIGKILL, syscall.SIGKILL); err != nil {
		return err
	}
	return p.start(ctx)
}

// StartPgBouncer starts a pooler in front of postgresURL, with pool connections
// to each database and extra lines for its [pgbouncer] section. It keeps its
// files in dir.
func StartPgBouncer(ctx context.Context, dir, postgresURL string, pool int, extra ...string) (*PgBouncer, error) {
	bin := findPgBouncer()
	if bin == "" {
		return nil, ErrNoPgBouncer
	}
	u, err := url.Parse(postgresURL)
	if err != nil {
		return nil, fmt.Errorf("read postgres url: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	o, err := findOwner(dir)
	if err != nil {
		return nil, err
	}
	file, err := o.writePoolerFile(dir, u, port, pool, extra)
	if err != nil {
		return nil, err
	}
	through := *u
	through.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := &PgBouncer{url: through.String(), address: through.Host, command: func() *exec.Cmd {
		cmd := exec.Command(bin, "-q", file)
		cmd.Env = childEnv()
		o.lend(cmd)
		return cmd
	}}
	return p, p.start(ctx)
}

// start starts the program and waits until it listens.
func (p *PgBouncer) start(ctx context.Context) error {
	var err error
	if p.process, err = spawn(p.command(), syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.listens(ctx, p.address); err != nil {
		return errors.Join(err, p.Stop(ctx))
	}
	return nil
}

// writePoolerFile writes the configuration and returns its path.
func (o *owner) writePoolerFile(dir string, u *url.URL, port, pool int, extra []string) (string, error) {
	password, _ := u.User.Password()
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
%s
`, u.Hostname(), u.Port(), u.User.Username(), password, port, pool, strings.Join(extra, "\n"))
	file := filepath.Join(dir, fmt.Sprintf("pgbouncer-%d.ini", port))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write pgbouncer's configuration: %w", err)
	}
	return file, o.own(file)
}

// listens waits until the pooler takes connections.
func (p *PgBouncer) listens(ctx context.Context, address string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for range 200 {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.process.done:
			return errors.New("pgbouncer ended while it started")
		case <-tick.C:
		}
	}
	return errors.New("pgbouncer does not listen")
}

func findPgBouncer() string {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
