// Package cli is the command line of Sendoff: the root command, the
// configuration file, the servers (serve, work, dev, emulate, migrate, bench,
// doctor). The commands of administration are in package cli/admin, those that
// call the API in package cli/remote.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/cli/drill"
	"github.com/sendoff/sendoff/internal/cli/remote"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/logs"
	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/version"
)

// cli is the root command. Each command has a file of its own.
type cli struct {
	Config  string           `env:"SENDOFF_CONFIG" help:"YAML file with settings." type:"existingfile" placeholder:"FILE"`
	Version kong.VersionFlag `help:"Print the version."`

	Dev         devCmd             `cmd:"" help:"${cli_dev}"`
	Serve       serveCmd           `cmd:"" help:"Run the HTTP server: API, dialects, callbacks. Any number may run."`
	Work        workCmd            `cmd:"" help:"Run the worker: dispatch, retries, scheduled sends, webhooks. Any number may run."`
	Migrate     migrateCmd         `cmd:"" help:"Apply, revert and list database migrations."`
	Emulate     emulateCmd         `cmd:"" help:"Run the provider emulator alone."`
	Account     admin.Account      `cmd:"" help:"Manage accounts."`
	User        admin.User         `cmd:"" help:"Manage the users of an account."`
	Key         admin.Key          `cmd:"" help:"Manage API keys."`
	Channel     admin.Channel      `cmd:"" help:"Manage channels, the senders at providers."`
	Secrets     admin.Secrets      `cmd:"" help:"Rotate the key of stored credentials."`
	Template    admin.Template     `cmd:"" help:"Manage message templates."`
	Retention   admin.Retention    `cmd:"" help:"Remove old records, or list what would be removed."`
	Restore     admin.Restore      `cmd:"" help:"After a backup was restored: hold, list and release messages in doubt."`
	Send        remote.Send        `cmd:"" help:"Send a message through the API."`
	Status      remote.Status      `cmd:"" help:"Show a message and its timeline."`
	Message     remote.Message     `cmd:"" help:"List and cancel messages."`
	Inbound     remote.Inbound     `cmd:"" help:"Show what contacts have sent."`
	Webhook     remote.Webhook     `cmd:"" help:"Manage webhooks."`
	Contact     remote.Contact     `cmd:"" help:"Manage contacts."`
	Suppression remote.Suppression `cmd:"" help:"Manage numbers that nothing is sent to."`
	Usage       remote.Usage       `cmd:"" help:"Show the requests and messages of each key."`
	Audit       remote.Audit       `cmd:"" help:"Show who changed what."`
	Tail        remote.Tail        `cmd:"" help:"Follow events as they happen."`
	Campaign    remote.Campaign    `cmd:"" help:"Send a message to many: create, validate, launch, watch, pause, report."`
	Import      remote.Import      `cmd:"" help:"Import a file of contacts, suppressions or an audience."`
	Bench       benchCmd           `cmd:"" help:"Measure throughput and latency, with servers of its own on this machine."`
	Drill       drill.Command      `cmd:"" help:"Kill Sendoff and its servers while messages are under way, and count what arrives."`
	OpenAPI     openAPICmd         `cmd:"" name:"openapi" help:"Print the OpenAPI description of the API."`
	Completion  completionCmd      `cmd:"" help:"Print a completion script for a shell."`
	Doctor      doctorCmd          `cmd:"" help:"Check configuration, Postgres, Redis, migrations, clock and credentials."`
	Build       versionCmd         `cmd:"" name:"version" help:"Print the version."`
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
	if len(args) > 0 && args[0] == completeWord {
		for _, found := range complete(parser.Model.Node, args[1:]) {
			fmt.Fprintln(stdout, found)
		}
		return 0
	}
	if err := readFiles(settingVariables(parser.Model.Node)); err != nil {
		fmt.Fprintln(stderr, "sendoff:", err)
		return 2
	}
	if err := useConfig(parser, args); err != nil {
		fmt.Fprintln(stderr, "sendoff:", err)
		return 2
	}
	k, err := parser.Parse(commandWords(args))
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "sendoff:", wrongLine(err))
		return 2
	}
	e := &console.Env{Ctx: ctx, Stdin: stdin, Stdout: stdout, Stderr: stderr}
	if err := k.Run(e); err != nil {
		return report(stderr, err, wantsJSON(k))
	}
	return 0
}

// wrongLine returns the message of an error that the parser of the command line found, with
// the command whose help tells what it takes.
func wrongLine(err error) string {
	msg := strings.TrimPrefix(err.Error(), console.ErrUsage.Error()+": ")
	pe, ok := errors.AsType[*kong.ParseError](err)
	if !ok || errors.Is(err, console.ErrUsage) {
		return msg
	}
	command := []string{"sendoff"}
	for _, part := range pe.Context.Path {
		if part.Command != nil {
			command = append(command, part.Command.Name)
		}
	}
	if !strings.HasSuffix(msg, "?") { // did you mean ...?
		msg += ";"
	}
	return msg + " see " + strings.Join(command, " ") + " --help"
}

// commandWords returns args with --help in place of the command help, and if args
// are empty.
func commandWords(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// newParser returns a parser that writes help and errors to the writers and calls
// exit to end the process.
func newParser(stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(newCLI(), kong.Name("sendoff"), kong.Description("Self-hosted dispatch of WhatsApp and SMS messages."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(exit), kong.Vars{"version": version.Version()},
		kong.PostBuild(setHelp), kong.PostBuild(showExamples), kong.PostBuild(groupFlags),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
}

// report prints an error, as JSON if asJSON, and returns the exit code.
func report(stderr io.Writer, err error, asJSON bool) int {
	if errors.Is(err, console.ErrReported) {
		return 1
	}
	e, refused := errors.AsType[*dispatch.Error](err)
	refused = refused && e.Code != dispatch.Internal
	p, answered := errors.AsType[*remote.Problem](err)
	switch {
	case refused && asJSON:
		_ = console.PrintJSON(stderr, refusal{e.Code, dialect.Detail(e), e.Faults})
	case answered && asJSON:
		_ = console.PrintJSON(stderr, p)
	default:
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

// logger returns the process's logger, to which the libraries log too, and what writes the
// last of its lines.
func logger(c *config.Config, w io.Writer) (log *slog.Logger, flush func()) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong allows only good ones
	lines := logs.NewLines(w)
	h := logs.Text(lines, level)
	if c.LogFormat == "json" {
		h = logs.JSON(lines, level)
	}
	log = slog.New(logs.Calm(h))
	queue.LogTo(log)
	return log, lines.Flush
}
