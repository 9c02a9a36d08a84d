// Command teststack runs a command, usually `go test ./...`, with a private
// Postgres and Redis that all its processes share.
package main

import (
	"context"
	"errors"
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
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: teststack -- COMMAND [ARG...]")
		return 2
	}
	code, err := underStack(ctx, args, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "teststack:", err)
		return max(code, 1)
	}
	return code
}

func underStack(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	stack, stop, err := devstack.StartTemp(ctx, devstack.Options{Log: log})
	if err != nil {
		return 1, err
	}
	defer func() {
		// The signal that ended ctx must not cut the clean-up short.
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err = errors.Join(err, stop(stopCtx))
	}()
	return command(ctx, args, stdout, stderr,
		"SENDOFF_TEST_POSTGRES_URL="+stack.PostgresURL(),
		"SENDOFF_TEST_REDIS_URL="+stack.RedisURL(),
	)
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
