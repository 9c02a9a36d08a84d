package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/migrations"
)

const (
	oldestPostgres = 140000
	serverTime     = 8 * time.Second
	mostClockDrift = 5 * time.Second
)

// server looks at Postgres itself; false when it doesn't answer.
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
		d.note("postgres", false, err.Error(), "look at Postgres' log")
		return false
	}
	d.note("postgres", true, fmt.Sprintf("answers in %s", took.Round(100*time.Microsecond)), "")
	d.note("postgres version", v.VersionNumber >= oldestPostgres, v.Version, "upgrade to Postgres 14 or later")
	d.note("postgres encoding", v.Encoding == "UTF8", v.Encoding, "make a database with ENCODING 'UTF8' and move the data: others can't hold every name and text")
	d.pooler(ctx, db)
	d.note("synchronous_commit", v.SynchronousCommit != "off", v.SynchronousCommit,
		"set synchronous_commit = on: an accepted message could be lost when Postgres crashes")
	d.note("fsync", v.Fsync == "on" && v.FullPageWrites == "on", fmt.Sprintf("fsync %s, full_page_writes %s", v.Fsync, v.FullPageWrites),
		"set fsync = on and full_page_writes = on and restart Postgres: accepted messages could be lost when the machine crashes")
	drift := v.Now.Sub(began.Add(took / 2)).Round(time.Millisecond)
	d.note("clock", drift.Abs() < mostClockDrift, fmt.Sprintf("Postgres' clock is %s from ours", drift), "run an NTP client on both machines: schedules, expiry and signatures go by the clock")
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
		d.note("pooler settings", false, err.Error(), "look at Postgres' log")
	} else {
		d.note("pooler settings", missing == "", cmp.Or(missing, "set for the role"), "run as the role that Sendoff uses: "+missing)
	}
}

// schema looks at migrations and partitions; false when there are no tables.
func (d *doctor) schema(ctx context.Context, st *store.Store) bool {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	ms, err := migrations.List(ctx, d.cfg.MigrationURL())
	if err != nil {
		d.note("migrations", false, err.Error(), "look at Postgres' log")
		return false
	}
	var missing []string
	for _, m := range ms {
		if !m.Applied {
			missing = append(missing, m.Name)
		}
	}
	d.note("migrations", len(missing) == 0, strings.Join(append([]string{fmt.Sprintf("%d of %d applied", len(ms)-len(missing), len(ms))}, missing...), ", missing "), "run: sendoff migrate up")
	if len(missing) == len(ms) {
		return false
	}
	d.partitions(ctx, st)
	return true
}

func (d *doctor) partitions(ctx context.Context, st *store.Store) {
	absent, err := st.MissingPartitions(ctx)
	if err != nil {
		d.note("partitions", false, err.Error(), "run: sendoff migrate up")
		return
	}
	detail := "there for this week and the next"
	if len(absent) > 0 {
		detail = "missing: " + strings.Join(absent, ", ")
	}
	d.note("partitions", len(absent) == 0, detail, "start a worker (sendoff work): it makes them every hour, and at its start")
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
		"rows came while their week's partition was missing, and keep it from being made: with serve and work stopped, move them away, run SELECT ensure_partitions(), and insert them again")
}

// redis looks at Redis. A missing one is a fault: messages go out without it,
// but slower.
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
	d.note("redis version", atLeast(version, 6, 2), cmp.Or(version, "not told"), "upgrade to Redis 6.2 or later")
	policy := info["maxmemory_policy"]
	d.note("redis eviction", policy == "noeviction", cmp.Or(policy, "not told"),
		"set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf): a queue must refuse rather than forget")
}

// atLeast compares a version like 7.2.4.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a > major || (a == major && b >= minor))
}
