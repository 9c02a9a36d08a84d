package admin

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/restore"
)

// Restore are the commands after a backup was restored.
type Restore struct {
	Hold      restoreHold      `cmd:"" help:"Hold what may have been sent since the backup. Before serve and work start."`
	List      restoreList      `cmd:"" help:"List held messages."`
	Campaigns restoreCampaigns `cmd:"" help:"List paused campaigns, with how many recipients wait."`
	Release   restoreRelease   `cmd:"" help:"Send held messages after all."`
}

type restoreHold struct{ flags }

// Help describes the hold.
func (*restoreHold) Help() string {
	return `A backup has messages as unfinished that were sent after it was made. Run this on the restored database before any serve or work
starts: messages that were due become unknown (a receipt that arrives later still settles them), campaigns are paused, and fallbacks
that were due are dropped. Nothing is sent. It may be repeated.`
}

// Run holds what is in doubt.
func (c *restoreHold) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		store := restore.New(s.db)
		if n, err := store.Running(s.ctx()); err != nil || n > 0 {
			if err == nil {
				err = fmt.Errorf("%d processes of serve and work use this database: stop them, wait 20 seconds, and repeat", n)
			}
			return err
		}
		held, err := store.Hold(s.ctx())
		if err != nil {
			return err
		}
		return s.print(held, "held: %d messages are unknown, %d campaigns are paused, %d fallbacks are dropped",
			held.Messages, held.Campaigns, held.Fallbacks)
	})
}

type restoreList struct {
	flags
	Limit int `default:"1000" help:"At most so many messages." placeholder:"N"`
}

// Run lists held messages.
func (c *restoreList) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		held, err := restore.New(s.db).List(s.ctx(), c.Limit, false)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for i := range held {
			m := &held[i]
			rows = append(rows, []string{
				m.ID.String(), id(m.Account), id(m.Channel), m.Reference,
				m.CreatedAt.UTC().Format(time.RFC3339), m.ExpiresAt.UTC().Format(time.RFC3339),
			})
		}
		return s.table(map[string]any{"data": held}, "ID\tACCOUNT\tCHANNEL\tREFERENCE\tCREATED\tEXPIRES", rows)
	})
}

type restoreCampaigns struct{ flags }

// Help describes the list.
func (*restoreCampaigns) Help() string {
	return `Some of the recipients who wait may have got their message between the backup and its restore: as many as the campaign could send
in that time. They are its next ones; "campaign report" has the rows in this order. "campaign resume" sends to all who wait, "campaign
cancel" to none of them.`
}

// Run lists campaigns that a hold has paused.
func (c *restoreCampaigns) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		list, err := restore.New(s.db).Campaigns(s.ctx())
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, c := range list {
			rows = append(rows, []string{id(c.ID), id(c.Account), c.Name, id(c.Waiting), id(c.Total)})
		}
		return s.table(map[string]any{"data": list}, "ID\tACCOUNT\tNAME\tWAITING\tTOTAL", rows)
	})
}

type restoreRelease struct {
	flags
	IDs []string `arg:"" optional:"" name:"id" help:"Message ids, from restore list."`
	All bool     `help:"All held messages that have not expired."`
}

// Help describes the release.
func (*restoreRelease) Help() string {
	return `Released messages are sent, also if they were sent between the backup and its restore: compare with the provider's list first.
Messages that have expired, or that a receipt has settled, are left as they are.`
}

// Run releases held messages.
func (c *restoreRelease) Run(e *console.Env) error {
	if c.All == (len(c.IDs) > 0) {
		return fmt.Errorf("%w: give either message ids or --all", console.ErrUsage)
	}
	ids := make([]dispatch.ID, len(c.IDs))
	for i, text := range c.IDs {
		var err error
		if ids[i], err = uuid.Parse(text); err != nil {
			return fmt.Errorf("%w: %q is not a message id", console.ErrUsage, text)
		}
	}
	return c.open(e, func(s *session) (err error) {
		store, n := restore.New(s.db), 0
		if c.All {
			n, err = store.ReleaseAll(s.ctx())
		} else {
			n, err = store.Release(s.ctx(), ids)
		}
		if err != nil {
			return err
		}
		if left := len(ids) - n; left > 0 {
			return s.print(map[string]int{"released": n, "left": left}, "released %d messages; %d are not held, or have expired", n, left)
		}
		return s.print(map[string]int{"released": n}, "released %d messages", n)
	})
}
