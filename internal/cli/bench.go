package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sendoff/sendoff/internal/bench"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/devstack"
)

type benchCmd struct {
	Quick    bool   `help:"Smaller numbers: under two minutes."`
	Only     string `help:"${cli_benchcmd_only}" placeholder:"LIST"`
	Growth   int    `help:"Fill the table with so many finished messages first and compare (10000000: 10 GB of disk)." placeholder:"N"`
	Out      string `default:"bench" help:"Folder for bench.json and bench.svg." type:"path"`
	RawEcho  string `hidden:"" help:"Serve the bare echo that figures are compared with."`
	RawServe string `hidden:"" help:"Serve the front door without the limits of keys."`
	RawLoad  bool   `hidden:"" help:"Send the requests that standard input describes."`

	RawTextbook string `hidden:"" help:"Run a half of the textbook build: serve at --raw-echo, or work with the provider there."`
}

// Run measures; it starts servers of its own and connects to loopback only.
func (c *benchCmd) Run(e *console.Env) error {
	if c.RawLoad {
		return bench.RawLoad(e.Ctx, e.Stdin, e.Stdout)
	}
	if c.RawTextbook != "" {
		return bench.RawTextbook(e.Ctx, c.RawTextbook, c.RawEcho)
	}
	if c.RawEcho != "" {
		return bench.RawEcho(e.Ctx, c.RawEcho)
	}
	if c.RawServe != "" {
		return bench.RawServe(e.Ctx, c.RawServe)
	}
	o := bench.Options{Quick: c.Quick, Only: c.Only, Growth: c.Growth, Out: e.Stderr}
	if _, err := o.Figures(); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if o.Dir, err = devstack.MkdirTemp("", "sendoff-bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(o.Dir) }()
	o.Binary = binary
	rep, err := bench.Run(e.Ctx, o)
	if tableErr := rep.Table(e.Stdout); tableErr != nil {
		return tableErr
	}
	return errors.Join(err, c.write("bench.json", rep.JSON), c.write("bench.svg", rep.SVG))
}

func (c *benchCmd) write(name string, f func(io.Writer) error) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	file, err := os.Create(filepath.Join(c.Out, name))
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return errors.Join(f(file), file.Close())
}
