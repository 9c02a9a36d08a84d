// Package console holds what every command of the command line shares: its
// input and output, the reading of secrets, times and pairs, and tables.
package console

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
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
	// ErrReported ends a command with exit code 1 whose output already has the reason.
	ErrReported = errors.New("")
)

// explained is an error with a text for people.
type explained struct {
	error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.error }

// Explain returns err with a text for people, with advice. Machines get err
// itself.
func Explain(err error, text string) error { return &explained{err, text} }

// Advise returns err with lines of advice for people; without any, err itself.
func Advise(err error, lines ...string) error {
	if err == nil || len(lines) == 0 {
		return err
	}
	return &explained{err, Text(err) + "\n" + strings.Join(lines, "\n")}
}

// Text returns an error in the words of people: of a refusal its message, and
// each faulty field on a line of its own.
func Text(err error) string {
	if e, ok := errors.AsType[*explained](err); ok {
		return e.text
	}
	e, ok := errors.AsType[*dispatch.Error](err)
	if !ok || e.Code == dispatch.Internal {
		return err.Error()
	}
	if len(e.Faults) == 0 {
		return e.Msg
	}
	var lines []string
	for _, f := range e.Faults {
		lines = append(lines, strings.TrimPrefix(f.Field, "/")+": "+f.Msg)
	}
	return strings.Join(lines, "\n")
}

// Finding is the outcome of a check.
type Finding struct {
	Name   string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

// Passed returns the finding of a check that passed.
func (f Finding) Passed(detail string) Finding {
	f.OK, f.Detail, f.Fix = true, detail, ""
	return f
}

// Failed returns the finding of a check that failed, and what to do.
func (f Finding) Failed(detail, fix string) Finding {
	f.OK, f.Detail, f.Fix = false, detail, fix
	return f
}
