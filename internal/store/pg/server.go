package pg

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Server describes a Postgres server for the doctor command.
type Server struct {
	Version           string    `db:"version"`
	VersionNumber     int       `db:"version_num"` // 140005 is 14.5
	SynchronousCommit string    `db:"synchronous_commit"`
	Fsync             string    `db:"fsync"`
	FullPageWrites    string    `db:"full_page_writes"`
	Encoding          string    `db:"encoding"`
	Isolation         string    `db:"isolation"` // of our transactions
	Now               time.Time `db:"now"`
}

const sqlServer = `
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num,
  current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
  current_setting('default_transaction_isolation') AS isolation,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes, clock_timestamp() AS now`

// Server returns the version of the server, its settings of durability and its
// clock.
func (d *DB) Server(ctx context.Context) (Server, error) {
	var v Server
	err := d.GetContext(ctx, &v, sqlServer)
	return v, Wrap("read server settings", err)
}

// MissingSettings returns the statements that give the role the Settings which
// sessions lack because a pooler refuses them, or "" if none is lacking.
func (d *DB) MissingSettings(ctx context.Context) (string, error) {
	var out []string
	settings := Settings()
	server, err := d.Server(ctx)
	if err != nil {
		return "", err
	}
	if server.VersionNumber >= 180000 {
		settings["enable_partition_pruning"] = "off" // see sqlKeepPartitions
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		want := settings[name]
		var differs bool
		var role string
		row := d.QueryRowxContext(ctx, "SELECT setting <> $2, quote_ident(current_user) FROM pg_settings WHERE name = $1", name, want)
		if err := row.Scan(&differs, &role); err != nil {
			return "", Wrap("read "+name, err)
		}
		if differs {
			out = append(out, fmt.Sprintf("ALTER ROLE %s SET %s = '%s';", role, name, want))
		}
	}
	return strings.Join(out, " "), nil
}
