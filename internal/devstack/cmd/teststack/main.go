// Command teststack runs a command, usually `go test ./...`, with a private
// Postgres and Redis that all its processes share: `teststack -- COMMAND [ARG...]`.
// With `-pooler 4` before it the tests reach their databases through a PgBouncer
// with so many connections to each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
)

// grace is what the command has to end in after a signal.
const grace = 15 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the command's exit code, or 1 when it could not be run.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("teststack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pool := flags.Int("pooler", 0, "")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: teststack [-pooler CONNECTIONS] -- COMMAND [ARG...]")
		return 2
	}
	code, err := underStack(ctx, *pool, flags.Args(), stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "teststack:", err)
		return max(code, 1)
	}
	return code
}

func underStack(ctx context.Context, pool int, args []string, stdout, stderr io.Writer) (code int, err error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	stack, stop, err := devstack.StartTemp(ctx, devstack.Options{Log: log})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, ended(ctx, stop)) }()
	env := []string{"SENDOFF_TEST_POSTGRES_URL=" + stack.PostgresURL(), "SENDOFF_TEST_REDIS_URL=" + stack.RedisURL()}
	if pool > 0 {
		dir, err := devstack.MkdirTemp("", "teststack-pooler-")
		if err != nil {
			return 1, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		p, err := devstack.StartPgBouncer(ctx, dir, stack.PostgresURL(), pool, "max_client_conn = 5000")
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, ended(ctx, p.Stop)) }()
		env = append(env, "SENDOFF_TEST_POOLER_URL="+p.URL())
	}
	return command(ctx, args, stdout, stderr, env...)
}

// ended calls stop with time of its own: the signal that ended ctx must not cut the
// clean-up short.
func ended(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return stop(ctx)
}

// command runs args with env added to our own, and signals it when ctx ends.
func command(ctx context.Context, args []string, stdout, stderr io.Writer, env ...string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil // -1 is a death by signal
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", args[0], err)
	}
	return 0, nil
}
