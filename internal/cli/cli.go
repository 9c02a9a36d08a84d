// Package cli is the command line of Sendoff: every command but those of
// administration, and the configuration file.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// version is set when the binary is built.
var version = "dev"

// cli is the command line. Each command has a file of its own.
type cli struct {
	Config  string           `env:"SENDOFF_CONFIG" help:"YAML file with settings." type:"existingfile" placeholder:"FILE"`
	Version kong.VersionFlag `help:"Print the version."`

	Dev      devCmd         `cmd:"" help:"Everything in one process on a laptop: Postgres, Redis, demo account, provider emulator, API, worker."`
	Serve    serveCmd       `cmd:"" help:"The HTTP front door: API, dialects, callbacks. Run any number."`
	Work     workCmd        `cmd:"" help:"The worker: dispatch, retries, scheduled sends, reconciliation. Run any number."`
	Migrate  migrateCmd     `cmd:"" help:"Database migrations."`
	Emulate  emulateCmd     `cmd:"" help:"The provider emulator alone."`
	Account  admin.Account  `cmd:"" help:"Accounts."`
	User     admin.User     `cmd:"" help:"Team members of an account."`
	Key      admin.Key      `cmd:"" help:"API keys."`
	Channel  admin.Channel  `cmd:"" help:"Channels: the numbers you send from."`
	Template admin.Template `cmd:"" help:"Message templates."`
	Send     sendCmd        `cmd:"" help:"Send one message through the API."`
	Status   statusCmd      `cmd:"" help:"Show a message and its timeline."`
	Tail     tailCmd        `cmd:"" help:"Follow events live."`
	Bench    benchCmd       `cmd:"" help:"The load benchmark, against servers of its own on this machine."`
	Doctor   doctorCmd      `cmd:"" help:"Check configuration, Postgres, Redis, migrations, clock and provider credentials."`
}

// newCLI returns an empty command line.
func newCLI() *cli { return &cli{Channel: admin.NewChannel(app.Specs())} }

// Run runs the command that args name and returns the exit code: 0, 1 for a
// failure, 2 for a wrong command line or configuration.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	unsetEmpty()
	exited := -1
	parser, err := newParser(stdout, stderr, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(stderr, "sendoff:", err)
		return 1
	}
	if err := useConfig(parser, args); err != nil {
		fmt.Fprintln(stderr, "sendoff:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "sendoff:", err)
		return 2
	}
	e := &console.Env{Ctx: ctx, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := k.Run(e); err != nil {
		return report(stderr, err, wantsJSON(k))
	}
	return 0
}

// newParser makes the parser of a command line.
func newParser(stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(newCLI(), kong.Name("sendoff"), kong.Description("Self-hosted dispatch of WhatsApp and SMS messages."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(exit), kong.Vars{"version": version}, kong.PostBuild(showExamples),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
}

// report prints an error, as JSON if asJSON, and returns the exit code.
func report(stderr io.Writer, err error, asJSON bool) int {
	if errors.Is(err, console.ErrReported) {
		return 1
	}
	e, refused := errors.AsType[*dispatch.Error](err)
	refused = refused && e.Code != dispatch.Internal
	if refused && asJSON {
		_ = console.PrintJSON(stderr, refusal{e.Code, e.Msg, e.Faults})
	} else {
		for line := range strings.SplitSeq(console.Text(err), "\n") {
			fmt.Fprintln(stderr, "sendoff:", strings.TrimPrefix(line, console.ErrUsage.Error()+": "))
		}
	}
	if errors.Is(err, console.ErrUsage) || (refused && e.Code == dispatch.Invalid) {
		return 2
	}
	return 1
}

// refusal is an error with the members of the API's problem.
type refusal struct {
	Code   dispatch.Code    `json:"code"`
	Detail string           `json:"detail"`
	Errors []dispatch.Fault `json:"errors,omitempty"`
}

// wantsJSON reports whether the command's flag --json is set.
func wantsJSON(k *kong.Context) bool {
	for _, f := range k.Flags() {
		if f.Name == "json" {
			return k.FlagValue(f) == true
		}
	}
	return false
}

// logger makes the process's log.
func logger(c *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong allows only good ones
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
