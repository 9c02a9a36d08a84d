package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Fault is a Redis that answers and can't be used, or one that does not answer.
type Fault struct {
	What string // what is wrong
	Cure string // what to do
	Err  error  // Redis' own words
}

// Error returns what is wrong, in Redis' words too.
func (f *Fault) Error() string { return f.What + ": " + strings.ReplaceAll(f.Err.Error(), "\n", "; ") }

// Fault returns what is wrong, without an address.
func (f *Fault) Fault() string { return f.What }

// Unwrap returns the error of the client.
func (f *Fault) Unwrap() error { return f.Err }

// checkKeys are of every kind that Sendoff uses, each in a slot of its own.
var checkKeys = []string{"asynq:{check}:check", Prefix("check") + "{key:0}:check", Prefix("check") + "{ch:0}:check"}

// checkScript writes and reads as the scripts of limits and of asynq do.
const checkScript = `redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000) return redis.call('GET', KEYS[1])`

// Check returns nil if Redis runs scripts that write keys of every kind, and a
// *Fault otherwise: a full, read-only or wrongly addressed Redis answers PING.
func Check(ctx context.Context, c redis.UniversalClient) error {
	for _, key := range checkKeys {
		if err := c.Eval(ctx, checkScript, []string{key}, "1").Err(); err != nil {
			return explain(err)
		}
	}
	return nil
}

// faults are the answers of Redis by how they begin, and their cures.
var faults = []struct{ prefix, what, cure string }{
	{"READONLY", "Redis is a replica and takes no writes", "name the primary in SENDOFF_REDIS_URL, or use redis-sentinel://"},
	{"MOVED", "Redis is a node of a cluster", "write redis-cluster://host:port (rediss-cluster:// with TLS) in SENDOFF_REDIS_URL"},
	{"CLUSTERDOWN", "the Redis cluster is down", "look at CLUSTER INFO: slots without a node, or no majority"},
	{"OOM", "Redis is full", "raise maxmemory, or find out who else fills it; Sendoff needs a few megabytes"},
	{"MISCONF", "Redis can't write to its disk and refuses writes", "free space where Redis keeps its files"},
	{
		"NOPERM", "the user of SENDOFF_REDIS_URL may not do what Sendoff does",
		"grant its keys, all channels and commands: ACL SETUSER name ~asynq:* ~sendoff:* &* +@all -@dangerous +info +eval +evalsha +script",
	},
	{
		"ERR unknown command", "Redis lacks a command that Sendoff needs",
		"remove rename-command from redis.conf: scripts need EVAL and EVALSHA",
	},
	{"NOAUTH", "Redis wants a password", "write it in SENDOFF_REDIS_URL: redis://:password@host:6379/0 (percent-encoded); for Sentinels " +
		"?sentinel_password="},
	{"WRONGPASS", "Redis refuses the user or the password", "correct them in SENDOFF_REDIS_URL"},
	{"ERR AUTH", "Redis refuses the password", "correct it in SENDOFF_REDIS_URL, or leave it out if Redis has none"},
	{"LOADING", "Redis loads its data", "wait; it answers when it has read its files"},
}

// explain returns the fault behind an error of the client.
func explain(err error) *Fault {
	if errors.Is(err, redis.ErrClosed) || err == nil {
		return &Fault{"the client is closed", "", err}
	}
	text := err.Error()
	for _, f := range faults {
		if strings.HasPrefix(text, f.prefix) || strings.Contains(text, " "+f.prefix) {
			return &Fault{f.what, f.cure, err}
		}
	}
	if strings.Contains(text, "all sentinels") && strings.Contains(text, redis.Nil.Error()) {
		return &Fault{"the Sentinels watch no master of that name", "correct the name at the end of SENDOFF_REDIS_URL; " +
			"redis-cli -p 26379 SENTINEL MASTERS lists those that there are", err}
	}
	if strings.Contains(text, "all sentinels") {
		return &Fault{"no Sentinel answers", "start the Sentinels, or correct their addresses or ?sentinel_password= in SENDOFF_REDIS_URL; " +
			"messages go out without Redis, but slower", err}
	}
	if strings.Contains(text, "x509") || strings.Contains(text, "tls:") {
		return &Fault{"TLS to Redis fails", "use rediss://, with ?ca_file= for a CA of your own and cert_file= and key_file= if Redis asks " +
			"for a certificate", err}
	}
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) {
		// TLS 1.3 refuses a missing certificate after the handshake; the alert may be lost with the connection.
		return &Fault{"Redis ends the connection", "with rediss:// it may ask for a certificate: name cert_file= and key_file=; " +
			"otherwise correct the scheme (rediss:// for TLS, redis:// without), or look at Redis' log", err}
	}
	return &Fault{"Redis does not answer", "start Redis, or correct scheme (rediss:// for TLS, redis:// without), host, password and " +
		"database in SENDOFF_REDIS_URL; messages go out without it, but slower", err}
}

// Mode describes a Redis by the words of its INFO.
func Mode(ctx context.Context, c redis.UniversalClient) (map[string]string, error) {
	raw, err := c.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("read INFO: %w", err)
	}
	out := map[string]string{}
	for line := range strings.Lines(raw) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[k] = v
		}
	}
	return out, nil
}
