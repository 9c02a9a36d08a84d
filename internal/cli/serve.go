package cli

import (
	"fmt"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/migrations"
)

type serveCmd struct {
	config.Config
	Listen  string `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"Address of the API." placeholder:"HOST:PORT"`
	Migrate bool   `env:"SENDOFF_MIGRATE" help:"Apply migrations first, under a lock."`
}

// Run serves until a signal arrives.
func (c *serveCmd) Run(e *console.Env) error {
	if err := c.Validate(true); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	if c.Migrate {
		if _, err := migrations.Up(e.Ctx, c.MigrationURL()); err != nil {
			return err
		}
	}
	app.BoundMemory()
	r, err := app.Serve(&c.Config, c.Listen, logger(&c.Config, e.Stderr))
	if err != nil {
		return err
	}
	<-e.Ctx.Done()
	return r.Stop()
}

type workCmd struct {
	config.Config
	Listen string `name:"work-listen" env:"SENDOFF_WORK_LISTEN" help:"Address of health checks and metrics." placeholder:"HOST:PORT"`
	Serve  string `name:"listen" env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"${cli_workcmd_serve}" placeholder:"HOST:PORT"`
}

// Run works until a signal arrives.
func (c *workCmd) Run(e *console.Env) error {
	if err := c.Validate(true); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	app.BoundMemory()
	r, err := app.Work(&c.Config, c.Listen, c.Public(c.Serve), logger(&c.Config, e.Stderr))
	if err != nil {
		return err
	}
	<-e.Ctx.Done()
	return r.Stop()
}
