package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/trace"
	"github.com/sendoff/sendoff/migrations"
)

const (
	oldestPostgres = 140000
	serverTime     = 8 * time.Second
	mostClockDrift = 5 * time.Second
	collectorTime  = 5 * time.Second // in which a collector of traces must answer
)

// server checks Postgres itself and reports whether it answers.
func (d *doctor) server(ctx context.Context, db *pg.DB) bool {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	if err := db.Ping(ctx); err != nil {
		d.note("postgres", false, err.Error(), pg.Cure(err))
		return false
	}
	began := time.Now()
	v, err := db.Server(ctx)
	took := time.Since(began)
	if err != nil {
		d.note("postgres", false, err.Error(), "check Postgres' log")
		return false
	}
	d.note("postgres", true, fmt.Sprintf("answers in %s", took.Round(100*time.Microsecond)), "")
	d.note("postgres version", v.VersionNumber >= oldestPostgres, v.Version, "upgrade to Postgres 14 or later")
	d.note("postgres encoding", v.Encoding == "UTF8", v.Encoding,
		"create a database with ENCODING 'UTF8' and move the data: others cannot store every text")
	d.note("postgres isolation", v.Isolation == "read committed", v.Isolation,
		"ALTER ROLE the role of SENDOFF_POSTGRES_URL SET default_transaction_isolation = 'read committed': others refuse results and callbacks")
	d.pooler(ctx, db)
	d.note("synchronous_commit", v.SynchronousCommit != "off", v.SynchronousCommit,
		"set synchronous_commit = on: an accepted message could be lost when Postgres crashes")
	d.note("fsync", v.Fsync == "on" && v.FullPageWrites == "on", fmt.Sprintf("fsync %s, full_page_writes %s", v.Fsync, v.FullPageWrites),
		"set fsync = on and full_page_writes = on and restart Postgres: accepted messages could be lost when the machine crashes")
	drift := v.Now.Sub(began.Add(took / 2)).Round(time.Millisecond)
	d.note("clock", drift.Abs() < mostClockDrift, fmt.Sprintf("Postgres' clock differs by %s", drift),
		"run an NTP client on both machines: schedules, expiry and signatures depend on the clock")
	return true
}

// pooler looks at what stands between us and Postgres.
func (d *doctor) pooler(ctx context.Context, db *pg.DB) {
	kind := db.Pooler(ctx)
	if kind == pg.NoPooler && !db.SettingsRefused() {
		return
	}
	d.note("pooler", kind != pg.LosesNames, kind.String(),
		"statements run unprepared, which costs CPU: use PgBouncer 1.21 or later with max_prepared_statements = 200")
	if missing, err := db.MissingSettings(ctx); err != nil {
		d.note("pooler settings", false, err.Error(), "check Postgres' log")
	} else {
		d.note("pooler settings", missing == "", cmp.Or(missing, "set for the role"), "run as the role that Sendoff uses: "+missing)
	}
}

// schema checks migrations and partitions, and reports whether there are tables.
func (d *doctor) schema(ctx context.Context, st *store.Store) bool {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	ms, err := migrations.List(ctx, d.cfg.MigrationURL())
	if err != nil {
		d.note("migrations", false, err.Error(), "check Postgres' log")
		return false
	}
	var missing []string
	for _, m := range ms {
		if !m.Applied {
			missing = append(missing, m.Name)
		}
	}
	detail := fmt.Sprintf("%d of %d applied", len(ms)-len(missing), len(ms))
	if n := len(missing); n > 0 {
		detail += "; missing: " + strings.Join(missing[:min(n, 3)], ", ")
		if n > 3 {
			detail += fmt.Sprintf(" and %d more", n-3)
		}
	}
	d.note("migrations", len(missing) == 0, detail, "run: sendoff migrate up")
	if len(missing) == len(ms) {
		return false
	}
	d.partitions(ctx, st)
	return true
}

// contract notes what is left to contract, which is no fault.
func (d *doctor) contract(ctx context.Context, accounts *account.Store) {
	_, upTo, err := accounts.ConfigVersion(ctx)
	detail := "done"
	switch {
	case err != nil:
		detail = err.Error()
	case upTo < store.PagesFrom:
		detail = "backlogs have a row for each message; once the version before will not run again: sendoff migrate contract"
	}
	d.note("contract", err == nil, detail, "run: sendoff migrate up")
}

func (d *doctor) partitions(ctx context.Context, st *store.Store) {
	p, err := st.Partitions(ctx)
	if err != nil {
		d.note("partitions", false, err.Error(), "run: sendoff migrate up")
		return
	}
	detail := fmt.Sprintf("present for the coming %d days", int(p.Ahead.Hours()/24))
	if len(p.Missing) > 0 {
		detail = "missing: " + strings.Join(p.Missing, ", ")
	}
	d.note("partitions", len(p.Missing) == 0, detail, "start a worker (sendoff work), which creates them when it starts and every hour; "+
		`if it could not, its log says why ("partitions")`)
	strays, err := st.Strays(ctx)
	if err != nil {
		d.note("default partitions", false, err.Error(), "run: sendoff migrate up")
		return
	}
	detail = "empty"
	if len(strays) > 0 {
		detail = "rows in " + strings.Join(strays, ", ")
	}
	d.note("default partitions", len(strays) == 0, detail,
		"rows arrived while their week's partition was missing, and prevent its creation: "+
			"run the statements of docs/alerts.md, SendoffPartitionsMissing, for each of these tables")
}

// redis checks Redis. Without Redis messages are sent more slowly, which is a
// fault.
func (d *doctor) redis(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	c, err := queue.Open(string(d.cfg.RedisURL), 2)
	if err != nil {
		d.note("redis", false, err.Error(), "correct SENDOFF_REDIS_URL")
		return
	}
	defer func() { _ = c.Close() }()
	began := time.Now()
	if err := queue.Check(ctx, c); err != nil {
		cure := "look at Redis' log"
		if f, ok := errors.AsType[*queue.Fault](err); ok {
			cure = f.Cure
		}
		d.note("redis", false, err.Error(), cure)
		return
	}
	d.note("redis", true, fmt.Sprintf("runs scripts in %s", time.Since(began).Round(100*time.Microsecond)), "")
	info, err := queue.Mode(ctx, c)
	if err != nil {
		d.note("redis version", false, err.Error(), "let the user of SENDOFF_REDIS_URL run INFO")
		return
	}
	version := info["redis_version"]
	d.note("redis version", atLeast(version, 6, 2), cmp.Or(version, "unknown"), "upgrade to Redis 6.2 or later")
	policy := info["maxmemory_policy"]
	d.note("redis eviction", policy == "noeviction", cmp.Or(policy, "unknown"),
		"set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf): "+
			"a queue must refuse writes rather than evict entries")
	d.memory(info)
	if d.us.id != "" {
		d.neighbours(queue.FindNeighbours(ctx, c, d.us.id))
	}
}

// fullRedis is the share of maxmemory from which Redis is about to refuse writes.
const fullRedis = 0.9

// memory checks what is left of Redis' memory. A cluster answers for one node.
func (d *doctor) memory(info map[string]string) {
	used, errUsed := strconv.ParseFloat(info["used_memory"], 64)
	most, errMost := strconv.ParseFloat(info["maxmemory"], 64)
	if errUsed != nil || errMost != nil {
		return // not Redis' own INFO
	}
	const mib = 1 << 20
	if most == 0 {
		d.note("redis memory", true, fmt.Sprintf("%.0f MiB used, without a limit", used/mib), "")
		return
	}
	d.note("redis memory", used < fullRedis*most, fmt.Sprintf("%.0f of %.0f MiB used", used/mib, most/mib),
		"raise maxmemory, or find out who else fills it; a full Redis refuses every write")
}

// atLeast reports whether a version such as 7.2.4 is major.minor or later.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a > major || (a == major && b >= minor))
}

// traces checks that the collector of traces answers, if one is configured.
func (d *doctor) traces(ctx context.Context) {
	const name = "traces"
	if d.cfg.TracesEndpoint == "" {
		return
	}
	if _, err := trace.NewSampler(d.cfg.TracesSampler, d.cfg.TracesSamplerArg); err != nil {
		d.note(name, false, err.Error(), "correct it, or unset it; serve and work do not start with it")
		return
	}
	if p := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); p != "" && p != "http/protobuf" {
		d.note(name, false, "OTEL_EXPORTER_OTLP_PROTOCOL is "+p, "Sendoff sends http/protobuf only: name a collector's address for it, often "+
			"port 4318")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, collectorTime)
	defer cancel()
	detail, err := trace.Address(d.cfg.TracesEndpoint)+" takes traces", trace.Check(ctx, d.cfg.TracesEndpoint)
	if err != nil {
		detail = "the collector does not take traces: " + err.Error()
	}
	d.note(name, err == nil, detail, "correct OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP, often port 4318) or start the collector; "+
		"messages go out all the same, their traces are lost")
}
