package cli

import (
	"errors"
	"fmt"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/migrations"
)

type serveCmd struct {
	config.Config
	Listen  config.HostPort `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"Address of the API." placeholder:"HOST:PORT"`
	Migrate bool            `env:"SENDOFF_MIGRATE" help:"Apply migrations first, under a lock."`
}

// Run serves until a signal arrives.
func (c *serveCmd) Run(e *console.Env) error {
	if err := checkSettings(&c.Config); err != nil {
		return err
	}
	if c.Migrate {
		if _, err := migrations.Up(e.Ctx, c.MigrationURL()); err != nil {
			return err
		}
	}
	app.BoundMemory(app.ServeMemory)
	log, flush := logger(&c.Config, e.Stderr)
	defer flush()
	r, err := app.Serve(&c.Config, string(c.Listen), log)
	if err != nil {
		return err
	}
	<-e.Ctx.Done()
	return r.Stop()
}

// checkSettings returns a usage error with a line for each setting that is missing or
// invalid.
func checkSettings(c *config.Config) error {
	err := c.Validate(true)
	if c.RedisURL != "" {
		if wrong := queue.CheckURL(string(c.RedisURL)); wrong != nil {
			err = errors.Join(err, fmt.Errorf("redis-url (SENDOFF_REDIS_URL): %w", wrong))
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	return nil
}

type workCmd struct {
	config.Config
	Listen config.HostPort `name:"work-listen" env:"SENDOFF_WORK_LISTEN" help:"Address of health checks and metrics." placeholder:"HOST:PORT"`
	Serve  config.HostPort `name:"listen" env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" help:"${cli_workcmd_serve}" placeholder:"HOST:PORT"`
}

// Run works until a signal arrives.
func (c *workCmd) Run(e *console.Env) error {
	if err := checkSettings(&c.Config); err != nil {
		return err
	}
	app.BoundMemory(app.WorkMemory)
	log, flush := logger(&c.Config, e.Stderr)
	defer flush()
	r, err := app.Work(&c.Config, string(c.Listen), c.Public(string(c.Serve)), log)
	if err != nil {
		return err
	}
	<-e.Ctx.Done()
	return r.Stop()
}
