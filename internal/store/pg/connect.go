package pg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/config"
)

// statementTimeout bounds every statement on the server.
const statementTimeout = 4 * time.Second

// readersTimeout bounds those of the readers' connections.
const readersTimeout = 2 * time.Second

// Settings returns what Sendoff sets for each of its sessions. A pooler that
// refuses start-up parameters leaves them to the role (ALTER ROLE ... SET), as
// the doctor command advises.
func Settings() map[string]string {
	return map[string]string{
		"statement_timeout":                   fmt.Sprint(statementTimeout.Milliseconds()),
		"lock_timeout":                        "2000",
		"idle_in_transaction_session_timeout": "5000",
		// A database may have another default; the protocol is proven for this one.
		"default_transaction_isolation": "read committed",
		// The planner estimates 100 rows for each unnest and multiplies; above its
		// threshold it compiles the plan, which takes 100 ms for a statement of 2 ms.
		"jit":             "off",
		"plan_cache_mode": "force_generic_plan",
	}
}

// always are parameters of every connection, which poolers accept too.
// binary_parameters means one round trip for a statement with arguments.
func always(application string) map[string]string {
	return map[string]string{"binary_parameters": "yes", "connect_timeout": "3", "application_name": application, "timezone": "UTC"}
}

// connector opens connections with Sendoff's settings or, once the server has
// refused them as start-up parameters (PgBouncer does), without.
type connector struct {
	full, plain *pq.Connector
	refused     atomic.Bool
	pooled      atomic.Bool          // by a transaction pooler of an old version
	picks       atomic.Pointer[bool] // PicksPartitions, once it is known
}

func newConnector(o Options) (*connector, error) {
	params := always(o.Application)
	plain, err := pqConnector(o.URL, params)
	if err != nil {
		return nil, err
	}
	maps.Copy(params, Settings())
	if o.reading {
		params["statement_timeout"] = fmt.Sprint(readersTimeout.Milliseconds())
	}
	full, err := pqConnector(o.URL, params)
	if err != nil {
		return nil, err
	}
	return &connector{full: full, plain: plain}, nil
}

// Connect opens a connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if !c.refused.Load() {
		conn, err := c.open(ctx, c.full)
		if err == nil {
			return keepPartitions(ctx, conn)
		}
		if !refusesSettings(err) {
			return nil, err
		}
		c.refused.Store(true)
	}
	return c.open(ctx, c.plain)
}

// open opens a connection with a dialer of its own.
func (c *connector) open(ctx context.Context, with *pq.Connector) (driver.Conn, error) {
	one := *with
	one.Dialer(&dialer{quiet: c.quiet})
	opened, err := one.Connect(context.WithValue(ctx, dialing{}, true))
	if err != nil {
		return nil, err
	}
	return conn{opened.(driverConn)}, nil
}

// quiet reports whether a pooler stands in between that must get no requests to
// cancel: PgBouncer 1.18 can end at one, with all its clients' connections
// (https://github.com/pgbouncer/pgbouncer/issues/801), and up to 1.20 at what lib/pq
// sends after it (https://github.com/pgbouncer/pgbouncer/pull/928).
func (c *connector) quiet() bool { return c.refused.Load() || c.pooled.Load() }

// sqlKeepPartitions is for Postgres 18, seen with 18.4: its server process ends
// with a segmentation fault, and all others with it, when a statement finds a row
// that another one has just changed while it reads a partitioned table whose
// partitions it picks as it runs. Without that picking a lookup asks every
// partition's index.
const sqlKeepPartitions = `SELECT set_config(name, 'off', false) FROM pg_settings
  WHERE name = 'enable_partition_pruning' AND current_setting('server_version_num')::int >= 180000`

// keepPartitions runs sqlKeepPartitions on a new connection. Behind a pooler the
// role has to carry the setting, see MissingSettings.
func keepPartitions(ctx context.Context, conn driver.Conn) (driver.Conn, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, sqlKeepPartitions, nil)
	if err == nil {
		err = rows.Close()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// PicksPartitions reports whether statements pick the partitions that they read. Where they do
// not, as on Postgres 18 (sqlKeepPartitions), a look-up by anything but an index of each partition
// reads blocks of all of them. While Postgres does not say, it is taken for granted.
func (d *DB) PicksPartitions(ctx context.Context) bool {
	if known := d.connector.picks.Load(); known != nil {
		return *known
	}
	var setting string
	if err := d.GetContext(ctx, &setting, `SELECT current_setting('enable_partition_pruning')`); err != nil {
		return true
	}
	picks := setting == "on"
	d.connector.picks.Store(&picks)
	return picks
}

// Driver returns lib/pq's driver.
func (c *connector) Driver() driver.Driver { return c.full.Driver() }

// refusesSettings reports whether err is PgBouncer's answer to a start-up
// parameter that is neither tracked by it nor listed in its
// ignore_startup_parameters.
func refusesSettings(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code == protocolViolation && strings.Contains(pe.Message, "startup parameter")
}

// pqConnector returns lib/pq's connector for rawURL with params, of which those
// in the URL itself take precedence.
func pqConnector(rawURL string, params map[string]string) (*pq.Connector, error) {
	u, err := ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	for k, v := range params {
		if q.Get(k) == "" {
			q.Set(k, v)
		}
	}
	u.RawQuery = q.Encode()
	c, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("postgres url: %w", err)
	}
	return c, nil
}

// ParseURL reads the address of Postgres. Several hosts with ports, as Postgres'
// manual writes them (h1:5432,h2:5432), become lib/pq's form (?host=&port=). No
// error shows a password.
func ParseURL(raw string) (*url.URL, error) {
	if config.UnescapedSlash(raw) {
		return nil, errors.New("postgres url: " + config.SlashAdvice)
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("postgres url must look like postgres://user:password@host:5432/database?sslmode=verify-full")
	}
	if !strings.Contains(u.Host, ",") {
		return u, nil
	}
	var hosts, ports []string
	for h := range strings.SplitSeq(u.Host, ",") {
		host, port, found := strings.Cut(h, ":")
		if !found {
			port = "5432"
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	q := u.Query()
	q.Set("host", strings.Join(hosts, ","))
	q.Set("port", strings.Join(ports, ","))
	u.Host, u.RawQuery = "", q.Encode()
	return u, nil
}
