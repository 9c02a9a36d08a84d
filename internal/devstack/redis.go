package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisProcess is a private redis-server.
type redisProcess struct {
	*service
	place  *place
	binary string
	port   int
	fast   bool
	aof    bool
}

var _ redisServer = (*redisProcess)(nil)

// startRedis starts redis-server, or its stand-in where there is none.
func startRedis(ctx context.Context, p *place, o Options) (redisServer, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r := &redisProcess{place: p, binary: findRedis(), fast: o.Fast, aof: o.RedisAOF}
	if r.binary == "" {
		return startMiniredis(o.Log)
	}
	if err := r.endLeftover(ctx); err != nil {
		return nil, err
	}
	if err := r.makeDir(); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	proc, err := r.launchAnywhere(ctx)
	if err != nil {
		return nil, err
	}
	r.service = (&service{
		name: "redis", log: o.Log, launch: r.launch,
		soft: syscall.SIGTERM, hard: syscall.SIGKILL,
	}).run(proc)
	o.Log.Info("redis runs", "port", r.port, "data", r.dir())
	return r, nil
}

func (r *redisProcess) kind() string { return "redis-server" }

func (r *redisProcess) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

func (r *redisProcess) url() string { return "redis://" + r.addr() + "/0" }

func (r *redisProcess) dir() string { return r.place.file("redis") }

func (r *redisProcess) makeDir() error {
	if err := os.MkdirAll(r.dir(), 0o700); err != nil {
		return err
	}
	return r.place.owner.own(r.dir())
}

func (r *redisProcess) launchAnywhere(ctx context.Context) (*process, error) {
	var last error
	for range 5 {
		var err error
		if r.port, err = freePort(); err != nil {
			return nil, err
		}
		if err := r.place.write("redis.conf", r.conf()); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
		proc, err := r.launch(ctx)
		if err == nil {
			return proc, nil
		}
		last = err
		idle(ctx, 300*time.Millisecond)
	}
	return nil, last
}

func (r *redisProcess) conf() string {
	lines := []string{
		"bind 127.0.0.1",
		"port " + strconv.Itoa(r.port),
		"daemonize no",
		"dir " + strconv.Quote(r.dir()),
		"pidfile " + strconv.Quote(r.place.file("redis.pid")),
		`save ""`, // the append-only file is what outlives it, if anything
		"appendonly " + yesNo(r.aof),
		"appendfsync everysec",
		"maxmemory-policy noeviction", // a queue must refuse rather than forget
	}
	if r.fast {
		lines = append(lines, "databases 1024") // one for each test
	}
	return strings.Join(lines, "\n") + "\n"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// launch starts redis-server on its port and waits until it answers.
func (r *redisProcess) launch(ctx context.Context) (*process, error) {
	log, err := r.place.openLog("redis.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own copy
	from := logSize(log)
	cmd := exec.Command(r.binary, r.place.file("redis.conf"))
	cmd.Dir, cmd.Env = r.place.data, childEnv()
	cmd.Stdout, cmd.Stderr = log, log
	r.place.owner.lend(cmd)
	proc, err := spawn(cmd, syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	ping := func(ctx context.Context) error { return r.ping(ctx, proc.pid) }
	if err := awaitAnswer(ctx, proc, ping); err != nil {
		return nil, errors.Join(
			fmt.Errorf("%w: %s", err, logTail(log.Name(), from)),
			proc.end(ctx, syscall.SIGTERM, syscall.SIGKILL),
		)
	}
	return proc, nil
}

var processID = regexp.MustCompile(`process_id:(\d+)`)

// ping reads the server's process id: with no password between us, that
// is how we know that it is ours.
func (r *redisProcess) ping(ctx context.Context, pid int) (err error) {
	c := redis.NewClient(&redis.Options{Addr: r.addr(), MaxRetries: -1, DialTimeout: time.Second})
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Ping(ctx).Err(); err != nil { // refused while it loads its data
		return err
	}
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	if m := processID.FindStringSubmatch(info); m == nil || m[1] != strconv.Itoa(pid) {
		return errors.New("another redis-server answers on this port")
	}
	return nil
}

var portLine = regexp.MustCompile(`(?m)^port (\d+)$`)

// endLeftover ends a redis-server of this folder whose parent was killed. Its
// title shows its address, which stands in the settings it was started with.
func (r *redisProcess) endLeftover(ctx context.Context) error {
	conf, err := os.ReadFile(r.place.file("redis.conf"))
	if err != nil {
		return nil // never started here
	}
	m := portLine.FindSubmatch(conf)
	if m == nil {
		return nil
	}
	ours := func(pid int) bool {
		return strings.Contains(commandOf(pid), "127.0.0.1:"+string(m[1]))
	}
	pid := pidIn(r.place.file("redis.pid"))
	if pid == 0 || !ours(pid) {
		return nil
	}
	if err := adopt(pid, ours).end(ctx, syscall.SIGTERM, syscall.SIGKILL); err != nil {
		return fmt.Errorf("end leftover server: %w", err)
	}
	return nil
}
