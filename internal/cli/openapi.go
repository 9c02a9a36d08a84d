package cli

import (
	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
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
