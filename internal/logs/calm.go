// Package logs keeps the log readable and free of numbers: an outage of Postgres or
// Redis is one line and not one of every part that needs them (Calm, Watch), texts
// that a library repeats come once a minute (Sparse), and of phone numbers in errors
// the last four digits are left (Mask).
package logs

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
)

// Calm returns a handler that passes a warning whose error is a lost connection on
// as a debug message: Watch reports the outage itself. Errors are passed as they
// are.
func Calm(h slog.Handler) slog.Handler { return calm{h} }

type calm struct{ slog.Handler }

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	if r.Level != slog.LevelWarn || !lost(r) {
		return c.Handler.Handle(ctx, r)
	}
	if !c.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	r.Level = slog.LevelDebug
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(as []slog.Attr) slog.Handler { return calm{c.Handler.WithAttrs(as)} }

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name)} }

// lost reports whether a record's error is a lost connection.
func lost(r slog.Record) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && a.Key == "error" {
			found = Lost(err)
		}
		return !found
	})
	return found
}

// Lost reports whether err means that a server does not answer, rather than that it
// refused something.
func Lost(err error) bool {
	if pe, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		code := pe.SQLState()
		switch code[:min(2, len(code))] {
		case "08", "57": // connection exception, operator intervention
			return true
		}
		return code == "53300" || code == "42P01" // too many connections; no tables, which is a state too
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, known := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
