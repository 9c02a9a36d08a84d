package devstack

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
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

// superuser is the one Postgres role of a stack.
const superuser = "sendoff"

// postgres is a private cluster: its programs, its data, its address.
type postgres struct {
	place    *place
	bin      binaries
	fast     bool
	port     int
	password string
}

// startPostgres makes the cluster when there is none, ends a server that an
// earlier start left behind, and starts ours on a free port.
func startPostgres(ctx context.Context, p *place, o Options) (*postgres, *service, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	pg, err := openPostgres(ctx, p, o.Fast)
	if err != nil {
		return nil, nil, err
	}
	if err := pg.endLeftover(ctx); err != nil {
		return nil, nil, err
	}
	proc, err := pg.launchAnywhere(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := &service{
		name: "postgres", log: o.Log,
		launch: pg.launch, successor: pg.successor,
		soft: syscall.SIGINT, hard: syscall.SIGQUIT, // "fast" and "immediate" shutdown
	}
	s.run(proc)
	if err := pg.createDatabase(ctx); err != nil {
		return nil, nil, errors.Join(err, s.stop(ctx))
	}
	o.Log.Info("postgres runs", "version", pg.bin.major, "port", pg.port, "data", pg.data())
	return pg, s, nil
}

func openPostgres(ctx context.Context, p *place, fast bool) (*postgres, error) {
	pg := &postgres{place: p, fast: fast}
	var err error
	if pg.bin, err = findPostgres(pg.madeBy()); err != nil {
		return nil, err
	}
	if pg.madeBy() == 0 {
		if err := pg.initialise(ctx); err != nil {
			return nil, fmt.Errorf("make cluster: %w", err)
		}
	}
	password, err := os.ReadFile(p.file("postgres.password"))
	if err != nil {
		return nil, fmt.Errorf("read password: %w", err)
	}
	pg.password = strings.TrimSpace(string(password))
	return pg, nil
}

func (pg *postgres) data() string { return pg.place.file("postgres") }

// madeBy is the major version that made the cluster, 0 when there is none.
func (pg *postgres) madeBy() int {
	raw, err := os.ReadFile(filepath.Join(pg.data(), "PG_VERSION"))
	if err != nil {
		return 0
	}
	return versionIn(string(raw))
}

// initialise makes the cluster beside its place and moves it there when it is
// whole, so that a start that was killed half-way is simply repeated.
func (pg *postgres) initialise(ctx context.Context) error {
	if err := pg.place.write("postgres.password", rand.Text()+"\n"); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	draft := pg.data() + ".new"
	var out []byte
	var err error
	// macOS and musl may lack C.UTF-8; C sorts the same and folds fewer letters.
	for _, locale := range []string{"C.UTF-8", "C"} {
		if err := os.RemoveAll(draft); err != nil {
			return fmt.Errorf("remove unfinished cluster: %w", err)
		}
		out, err = pg.command(ctx, "initdb", pg.initArgs(draft, locale)...).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("invalid locale")) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("run initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	if err := appendTo(filepath.Join(draft, "postgresql.conf"), "\ninclude_if_exists = 'sendoff.conf'\n"); err != nil {
		return fmt.Errorf("write postgresql.conf: %w", err)
	}
	if err := os.RemoveAll(pg.data()); err != nil { // no PG_VERSION in it: nothing to lose
		return fmt.Errorf("remove broken cluster: %w", err)
	}
	return os.Rename(draft, pg.data())
}

func (pg *postgres) initArgs(dir, locale string) []string {
	args := []string{
		"-D", dir, "-U", superuser, "--pwfile", pg.place.file("postgres.password"),
		"-E", "UTF8", "--locale", locale, "--data-checksums",
	}
	if pg.fast {
		// A test run connects thousands of times; SCRAM takes milliseconds of
		// processor time at either end, MD5 none to speak of.
		return append(args, "--auth=md5", "--no-sync")
	}
	return append(args, "--auth=scram-sha-256")
}

// command is one of the cluster's programs, run as the owner from a folder
// that the owner can enter.
func (pg *postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(pg.bin.dir, name), args...)
	cmd.Dir = pg.place.data
	cmd.Env = childEnv()
	pg.place.owner.lend(cmd)
	return cmd
}

// writeConf writes the settings. They are in a file and not in arguments, so
// that pg_ctl starts the cluster the same way.
func (pg *postgres) writeConf(ctx context.Context) error {
	var text strings.Builder
	text.WriteString("# Written anew at every start.\n")
	for _, s := range pg.settings() {
		text.WriteString(s[0] + " = '" + s[1] + "'\n")
	}
	// lz4 is a compile-time option: the server is asked.
	check := pg.command(ctx, "postgres", "-C", "wal_compression", "-D", pg.data(), "-c", "wal_compression=lz4")
	if check.Run() == nil {
		text.WriteString("wal_compression = 'lz4'\n")
	}
	return pg.place.write("postgres/sendoff.conf", text.String())
}

func (pg *postgres) settings() [][2]string {
	s := [][2]string{
		{"listen_addresses", "127.0.0.1"},
		{"port", strconv.Itoa(pg.port)},
		{"unix_socket_directories", ""}, // one door less; its path could be too long, too
		{"shared_buffers", "128MB"},
		{"timezone", "UTC"},
		{"log_timezone", "UTC"},
		{"log_line_prefix", "%m [%p] %u@%d "},
		{"client_connection_check_interval", "2s"}, // a dead client's query stops
		{"jit", "off"},                             // our statements are short: compiling one costs more than running it
	}
	if pg.fast {
		return append(s, [][2]string{
			{"max_connections", "400"},
			{"fsync", "off"},
			{"synchronous_commit", "off"},
			{"full_page_writes", "off"},
			{"wal_level", "minimal"},
			{"max_wal_senders", "0"},
			{"autovacuum", "off"},
		}...)
	}
	return append(s, [][2]string{
		{"max_connections", "120"},
		{"fsync", "on"},
		{"synchronous_commit", "on"},
		{"autovacuum_naptime", "10s"}, // queue tables turn over quickly
	}...)
}

// url addresses one database of the cluster.
func (pg *postgres) url(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, pg.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(pg.port)),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// ours reports whether pid is a server of this cluster.
func (pg *postgres) ours(pid int) bool {
	return strings.Contains(commandOf(pid), pg.data())
}

func (pg *postgres) pidFile() string { return filepath.Join(pg.data(), "postmaster.pid") }

// endLeftover ends a server of this cluster whose parent was killed.
func (pg *postgres) endLeftover(ctx context.Context) error {
	pid := pidIn(pg.pidFile())
	if pid == 0 || !pg.ours(pid) {
		return nil
	}
	if err := adopt(pid, pg.ours).end(ctx, syscall.SIGINT, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("end leftover server: %w", err)
	}
	return nil
}

// dropStalePID removes the pid file of a server that is dead. Postgres would do
// so itself, but for a number in use: as another process, or as a
// zombie, which in a container without an init is never reaped.
func (pg *postgres) dropStalePID() error {
	pid := pidIn(pg.pidFile())
	if pid == 0 || pg.ours(pid) {
		return nil
	}
	if err := os.Remove(pg.pidFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// successor waits briefly for a server that `pg_ctl restart` or a test starts
// after it has shut ours down, and adopts it: two starts at once would make
// one of them fail. A postmaster that was killed leaves its pid file behind
// and has no successor to wait for.
func (pg *postgres) successor(ctx context.Context, old *process) *process {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for ctx.Err() == nil {
		pid := pidIn(pg.pidFile())
		if pid == old.pid {
			return nil
		}
		if pid != 0 && pg.ours(pid) {
			return adopt(pid, pg.ours)
		}
		idle(ctx, pollEvery)
	}
	return nil
}

// appendTo adds text to a file that exists.
func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// logTail is the end of a log, for an error message.
func logTail(path string, from int64) string {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || int64(len(raw)) < from {
		return ""
	}
	raw = bytes.TrimSpace(raw[from:])
	return string(raw[max(0, len(raw)-1000):])
}
