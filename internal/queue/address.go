package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/config"
)

// address is a Redis URL, read.
type address struct {
	kind    string // redis, cluster, sentinel or unix
	options redis.UniversalOptions
	single  *redis.Options // of kind redis and unix
}

// ours are the query words that this package adds to those of go-redis.
var ours = []string{"ca_file", "cert_file", "key_file", "sentinel_username", "sentinel_password"}

var schemes = map[string]struct {
	kind string
	tls  bool
}{
	"redis": {"redis", false}, "rediss": {"redis", true}, "unix": {"unix", false},
	"redis-cluster": {"cluster", false}, "rediss-cluster": {"cluster", true},
	"redis-sentinel": {"sentinel", false}, "rediss-sentinel": {"sentinel", true},
}

const schemeNames = "redis, rediss, redis-cluster, rediss-cluster, redis-sentinel, rediss-sentinel, unix"

// errShape never contains the URL, in which a password may stand.
var errShape = errors.New("redis url must look like redis://user:password@host:6379/0")

// CheckURL returns what is wrong with a Redis URL, or with the files that it names, without connecting.
func CheckURL(raw string) error {
	_, err := parseAddress(raw)
	return err
}

// parseAddress reads a Redis URL. An unknown query word is an error, and no
// error shows a password.
func parseAddress(raw string) (*address, error) {
	if config.UnescapedSlash(raw) {
		return nil, errors.New("redis url: " + config.SlashAdvice)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errShape
	}
	s, ok := schemes[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("redis url scheme %q is not one of %s", u.Scheme, schemeNames)
	}
	q := u.Query()
	words := take(q, ours...)
	secure, err := tlsConfig(s.tls, words)
	if err != nil {
		return nil, err
	}
	if s.kind != "sentinel" && words["sentinel_username"]+words["sentinel_password"] != "" {
		return nil, errors.New("redis url: sentinel_username and sentinel_password belong to redis-sentinel://")
	}
	if s.kind == "redis" || s.kind == "unix" {
		return single(u, q, secure)
	}
	return many(u, q, s.kind, words, secure)
}

// take removes names from q and returns their values.
func take(q url.Values, names ...string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		out[name] = q.Get(name)
		q.Del(name)
	}
	return out
}

// single reads the address of one server with go-redis, which refuses unknown
// query words itself.
func single(u *url.URL, q url.Values, secure *tls.Config) (*address, error) {
	plain := *u
	plain.RawQuery = q.Encode()
	o, err := redis.ParseURL(plain.String())
	if err != nil {
		return nil, fmt.Errorf("redis url: %s", strings.ReplaceAll(err.Error(), plain.String(), "URL"))
	}
	if secure != nil {
		secure.ServerName = u.Hostname()
		o.TLSConfig = secure
	}
	return &address{kind: u.Scheme, single: o}, nil
}

// many reads the addresses of a cluster's nodes or of Sentinels.
func many(u *url.URL, q url.Values, kind string, words map[string]string, secure *tls.Config) (*address, error) {
	a := &address{kind: kind}
	o := &a.options
	o.Addrs = strings.Split(u.Host, ",")
	o.TLSConfig = secure
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	o.ClientName = take(q, "client_name")["client_name"]
	path := strings.Trim(u.Path, "/")
	if kind == "sentinel" {
		if path == "" {
			return nil, errors.New("redis url: name the master after the Sentinels, as redis-sentinel://s1:26379,s2:26379/master")
		}
		o.MasterName = path
		o.SentinelUsername, o.SentinelPassword = words["sentinel_username"], words["sentinel_password"]
		if o.SentinelPassword == "" && o.Password != "" {
			o.OnConnect = authenticateWhenAsked(o.Username, o.Password)
		}
		if db := take(q, "db")["db"]; db != "" {
			n, err := strconv.Atoi(db)
			if err != nil || n < 0 {
				return nil, errors.New("redis url: db must be a whole number")
			}
			o.DB = n
		}
	} else if path != "" && path != "0" {
		return nil, errors.New("redis url: a cluster has database 0 alone")
	}
	for word := range q {
		return nil, fmt.Errorf("redis url: unknown word %q after the question mark", word)
	}
	return a, nil
}

// authenticateWhenAsked sends Sentinels the password of the servers if they ask for
// one and none of their own is named: charts set the same for both.
func authenticateWhenAsked(username, password string) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, c *redis.Conn) error {
		if err := c.Ping(ctx).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
			return nil
		}
		if username != "" {
			return c.AuthACL(ctx, username, password).Err()
		}
		return c.Auth(ctx, password).Err()
	}
}

// tlsConfig returns the configuration of rediss URLs: a CA of one's own and a
// client certificate come from files.
func tlsConfig(on bool, words map[string]string) (*tls.Config, error) {
	ca, cert, key := words["ca_file"], words["cert_file"], words["key_file"]
	if !on {
		if ca+cert+key != "" {
			return nil, errors.New("redis url: ca_file, cert_file and key_file need TLS: rediss://, rediss-cluster:// or rediss-sentinel://")
		}
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("redis url: ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("redis url: ca_file: %s holds no certificate in PEM", ca)
		}
	}
	if cert+key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("redis url: cert_file and key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// client returns the client of the address.
func (a *address) client(pool int) redis.UniversalClient {
	if a.single != nil {
		o := a.single
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, time.Second, time.Second
		o.ContextTimeoutEnabled, o.MaxRetries, o.PoolSize = true, -1, pool
		return redis.NewClient(o)
	}
	o := a.options
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, time.Second, time.Second
	o.ContextTimeoutEnabled, o.MaxRetries, o.PoolSize = true, -1, pool
	if a.kind == "cluster" {
		return redis.NewClusterClient(o.Cluster())
	}
	return redis.NewFailoverClient(o.Failover())
}
