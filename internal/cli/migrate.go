package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/migrations"
)

type migrateCmd struct {
	Up       migrateUp       `cmd:"" help:"Apply the migrations that the database lacks."`
	Down     migrateDown     `cmd:"" help:"Revert the newest migration."`
	Status   migrateStatus   `cmd:"" help:"List migrations, whether they are applied, and what a missing one would lock for how long."`
	Contract migrateContract `cmd:"" help:"Let processes write what the version before cannot read; --undo opens the way back."`
}

// database is what commands need that touch nothing but Postgres.
type database struct {
	PostgresURL config.Secret `name:"postgres-url" env:"SENDOFF_POSTGRES_URL" help:"${config_postgresurl}" placeholder:"URL"`
	DirectURL   config.Secret `env:"SENDOFF_POSTGRES_DIRECT_URL" help:"${config_postgresdirecturl}" placeholder:"URL"`
	JSON        bool          `name:"json" help:"For machines."`
}

// AfterApply returns a usage error without an address of Postgres.
func (c *database) AfterApply() error {
	if c.url() == "" {
		return fmt.Errorf("%w: postgres-url (SENDOFF_POSTGRES_URL) is required; %s", console.ErrUsage, admin.DevHint)
	}
	return nil
}

// url returns the address of Postgres for migrations.
func (c *database) url() string { return string(cmp.Or(c.DirectURL, c.PostgresURL)) }

type migrateUp struct{ database }

// Run applies migrations.
func (c *migrateUp) Run(e *console.Env) error {
	done, err := migrations.Up(e.Ctx, c.url())
	if err != nil {
		return err
	}
	if c.JSON {
		return c.list(e)
	}
	for _, name := range done {
		fmt.Fprintln(e.Stdout, "applied", name)
	}
	fmt.Fprintln(e.Stdout, "The database is up to date.")
	return nil
}

type migrateDown struct {
	database
	Yes bool `help:"Confirm: tables and columns that the migration added are dropped with their data."`
}

// Run takes one migration back.
func (c *migrateDown) Run(e *console.Env) error {
	if !c.Yes {
		name, err := c.newest(e)
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: this reverts %s: tables and columns that it added are dropped with their data; repeat with --yes",
			console.ErrUsage, name)
	}
	name, err := migrations.Down(e.Ctx, c.url())
	if err != nil {
		return err
	}
	if c.JSON {
		return c.list(e)
	}
	fmt.Fprintln(e.Stdout, "reverted", name)
	return nil
}

// newest returns the name of the newest migration that is applied.
func (c *database) newest(e *console.Env) (string, error) {
	ms, err := migrations.List(e.Ctx, c.url())
	if err != nil {
		return "", err
	}
	for _, m := range slices.Backward(ms) {
		if m.Applied {
			return m.Name, nil
		}
	}
	return "", errors.New("no migration is applied; there is nothing to revert")
}

type migrateStatus struct{ database }

// Run lists migrations.
func (c *migrateStatus) Run(e *console.Env) error { return c.list(e) }

// list shows migrations and whether they are applied.
func (c *database) list(e *console.Env) error {
	ms, err := migrations.List(e.Ctx, c.url())
	if err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, ms)
	}
	width := 0
	for _, m := range ms {
		width = max(width, len(m.Name))
	}
	for _, m := range ms {
		state := "missing"
		if m.Applied {
			state = "applied"
		}
		fmt.Fprintf(e.Stdout, "%-3d  %-*s  %s\n", m.Version, width, m.Name, state)
		locks(e.Stdout, &m)
	}
	return nil
}

// locks shows what a migration that is missing would lock.
func locks(w io.Writer, m *migrations.Status) {
	if m.Locks == nil {
		return
	}
	if len(m.Locks) == 0 {
		fmt.Fprintln(w, "  locks nothing that is in use")
	}
	for _, l := range m.Locks {
		fmt.Fprintln(w, "  "+l.Text)
	}
}

type migrateContract struct {
	database
	Undo bool `help:"Before a way back to the version before: write only what it reads, and rewrite the rest."`
}

// contracted is what migrate contract prints for machines.
type contracted struct {
	Contracted int `json:"contracted"`       // the migration up to which everything may be written
	Opened     int `json:"opened,omitempty"` // pages of messages and events, and claims, that were rewritten
}

// Run contracts the schema, or undoes that.
func (c *migrateContract) Run(e *console.Env) (err error) {
	db, err := pg.Open(pg.Options{URL: c.url(), MaxConns: 2, Application: "sendoff-migrate"})
	if err != nil {
		return err
	}
	defer db.Close()
	s, accounts, done := store.New(db), account.New(db), contracted{}
	if c.Undo {
		done.Opened, err = undo(e.Ctx, s, accounts)
	} else if err = c.applied(e, store.PagesFrom); err == nil {
		done.Contracted, err = store.PagesFrom, accounts.Contract(e.Ctx, store.PagesFrom)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w; does the database lack migrations? See sendoff migrate status", err)
	case c.JSON:
		return console.PrintJSON(e.Stdout, done)
	case c.Undo:
		fmt.Fprintf(e.Stdout, "The version before can run again. Pages of messages and events, and claims, rewritten: %d.\n", done.Opened)
	default:
		fmt.Fprintln(e.Stdout, "Processes write backlogs in pages now. Before you go back to a version that has none:\n"+
			"sendoff migrate contract --undo")
	}
	return nil
}

// applied returns an error if the database lacks a migration up to one: contracted before it,
// processes would write its form at the moment of migrate up, beside those that cannot read it.
func (c *database) applied(e *console.Env, upTo int) error {
	ms, err := migrations.List(e.Ctx, c.url())
	for _, m := range ms {
		if err == nil && !m.Applied && m.Version <= int64(upTo) {
			err = errors.New(m.Name + " is not applied")
		}
	}
	return err
}

// noticed is how long processes may go on as before: they read the configuration at
// least once a second, and give up a page that they have begun to write after ten.
const noticed = 15 * time.Second

// mostBusy is how many steps in a row may find the database busy before undo gives up.
const mostBusy = 20

// undo has all processes write rows, and writes one for every message and event that is in a
// page. It returns how many pages and claims it found.
func undo(ctx context.Context, s *store.Store, accounts *account.Store) (opened int, err error) {
	if err := accounts.Contract(ctx, 0); err != nil {
		return 0, err
	}
	busy := 0
	for until := time.Now().Add(noticed); ; {
		n, err := s.OpenAll(ctx)
		opened += n
		if err == nil {
			n, err = s.SplitEvents(ctx)
			opened += n
		}
		switch {
		case err == nil && time.Now().After(until):
			return opened, nil
		case err == nil:
			busy = 0
		case dispatch.CodeOf(err) != dispatch.Overloaded || busy == mostBusy:
			return opened, err
		default:
			busy++ // a step waited for a process longer than it may
		}
		select {
		case <-ctx.Done():
			return opened, ctx.Err()
		case <-time.After(noticed / 50):
		}
	}
}
