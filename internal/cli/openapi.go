package cli

import (
	"fmt"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/version"
)

type openAPICmd struct {
	Server string `default:"http://127.0.0.1:8080" help:"Address of the API in the description." placeholder:"URL"`
}

// Run prints the description, from which clients are generated.
func (c *openAPICmd) Run(e *console.Env) error {
	spec, err := app.OpenAPI(c.Server)
	if err != nil {
		return err
	}
	_, err = e.Stdout.Write(spec)
	return err
}

type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

// Run prints the version.
func (c *versionCmd) Run(e *console.Env) error {
	if c.JSON {
		return console.PrintJSON(e.Stdout, map[string]string{"version": version.Version()})
	}
	_, err := fmt.Fprintln(e.Stdout, version.Version())
	return err
}
