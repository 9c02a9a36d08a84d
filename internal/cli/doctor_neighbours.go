package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/store/installation"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// us is this installation as Postgres knows it.
type us struct {
	id      string // empty: it has never run
	workers int    // that live
}

// identify reads which installation this is.
func (d *doctor) identify(ctx context.Context, db *pg.DB) {
	in, err := installation.New(db).Find(ctx)
	if d.failedCheck("installation", err) || in == nil {
		return
	}
	d.us.id = in.ID
	if d.us.workers, err = operate.New(db).Processes(ctx, "work"); d.failedCheck("installation", err) {
		return
	}
	d.note("installation", true, "id "+in.ID, "")
}

// neighbours names the other installations on this Redis. They do no harm, but for a
// physical copy of this database, which has the same id.
func (d *doctor) neighbours(n queue.Neighbours, err error) {
	if err != nil {
		d.note("redis neighbours", false, err.Error(), "look at Redis' log")
		return
	}
	for i, id := range n.Others {
		if id == "" {
			n.Others[i] = "one of a version before ids"
		}
	}
	detail := "none"
	if len(n.Others) > 0 {
		detail = "keys of other installations, which are kept apart: " + strings.Join(n.Others, ", ")
	}
	if n.Workers > d.us.workers {
		d.note("redis neighbours", false, fmt.Sprintf("%d workers fetch for the id %s, but %d of them are of this database", n.Workers,
			d.us.id, d.us.workers),
			"a physical copy of this database has the same id: run DELETE FROM installations on the copy and restart its processes")
		return
	}
	d.note("redis neighbours", true, detail, "")
}
