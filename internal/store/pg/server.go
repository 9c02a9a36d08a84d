package pg

import (
	"context"
	"time"
)

// Server describes a Postgres server for the doctor command.
type Server struct {
	Version           string    `db:"version"`
	VersionNumber     int       `db:"version_num"` // 140005 is 14.5
	SynchronousCommit string    `db:"synchronous_commit"`
	Fsync             string    `db:"fsync"`
	FullPageWrites    string    `db:"full_page_writes"`
	Now               time.Time `db:"now"`
}

const sqlServer = `
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num, current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes, clock_timestamp() AS now`

// Server returns the version of the server, its settings of durability and its
// clock.
func (d *DB) Server(ctx context.Context) (Server, error) {
	var v Server
	err := d.GetContext(ctx, &v, sqlServer)
	return v, Wrap("read server settings", err)
}
