// Package console holds what every command of the command line shares: its
// input and output, the reading of secrets, times and pairs, and tables.
package console

import (
	"context"
	"errors"
	"io"
)

// Env is the input and output of one run of a command.
type Env struct {
	Ctx    context.Context
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

var (
	// ErrUsage marks a wrong command line or configuration: exit code 2.
	ErrUsage = errors.New("configuration")
	// ErrReported ends a command with exit code 1 whose output already says why.
	ErrReported = errors.New("")
)
