package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/migrations"
)

type migrateCmd struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing."`
	Down   migrateDown   `cmd:"" help:"Take the newest migration back."`
	Status migrateStatus `cmd:"" help:"List migrations and whether they are applied."`
}

// database is what commands need that touch nothing but Postgres.
type database struct {
	PostgresURL config.Secret `name:"postgres-url" env:"SENDOFF_POSTGRES_URL" required:"" help:"Postgres, as postgres://user:password@host:5432/sendoff?sslmode=verify-full." placeholder:"URL"`
	JSON        bool          `name:"json" help:"For machines."`
}

type migrateUp struct{ database }

// Run applies migrations.
func (c *migrateUp) Run(e *console.Env) error {
	if err := migrations.Up(e.Ctx, string(c.PostgresURL)); err != nil {
		return err
	}
	if c.JSON {
		return c.list(e)
	}
	fmt.Fprintln(e.Stdout, "the database is up to date")
	return nil
}

type migrateDown struct {
	database
	Yes bool `help:"Really do it: tables and what is in them are gone."`
}

// Run takes one migration back.
func (c *migrateDown) Run(e *console.Env) error {
	if !c.Yes {
		return fmt.Errorf("%w: this drops tables; repeat with --yes", console.ErrUsage)
	}
	if err := migrations.Down(e.Ctx, string(c.PostgresURL)); err != nil || !c.JSON {
		return err
	}
	return c.list(e)
}

type migrateStatus struct{ database }

// Run lists migrations.
func (c *migrateStatus) Run(e *console.Env) error { return c.list(e) }

// list shows migrations and whether they are applied.
func (c *database) list(e *console.Env) error {
	ms, err := migrations.List(e.Ctx, string(c.PostgresURL))
	if err != nil {
		return err
	}
	if c.JSON {
		return console.PrintJSON(e.Stdout, ms)
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 4, 2, ' ', 0)
	for _, m := range ms {
		state := "missing"
		if m.Applied {
			state = "applied"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", m.Version, m.Name, state)
	}
	return w.Flush()
}
