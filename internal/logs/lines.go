package logs

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// Request is the message of the line that a request leaves: the one kind of which a busy
// process has thousands a second.
const Request = "request"

// While lines of requests come one after the other they are gathered for gatherFor, or
// until there are gatherBytes of them.
const (
	gatherFor   = 5 * time.Millisecond
	gatherBytes = 32 << 10
)

// Lines gathers the lines of requests, so that a busy process makes one write for many. A
// line that follows none of the last gatherFor is written at once, as is every other line,
// with those that wait before it. It is safe for concurrent use.
type Lines struct {
	mu      sync.Mutex
	out     io.Writer
	waiting []byte
	written time.Time   // when lines were written last
	timer   *time.Timer // nil before the first line that waits
	timed   bool        // timer runs
}

// NewLines returns Lines that are written to out.
func NewLines(out io.Writer) *Lines { return &Lines{out: out} }

// Write implements io.Writer for a handler: the line waits for what Text or JSON decide
// about it.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, line...)
	return len(line), nil
}

// Flush writes the lines that wait. The end of a process calls it.
func (l *Lines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush(time.Now())
}

// flush writes the lines that wait. The caller holds mu.
func (l *Lines) flush(now time.Time) {
	if len(l.waiting) == 0 {
		return
	}
	_, _ = l.out.Write(l.waiting) // nobody can be told
	l.written = now
	if l.waiting = l.waiting[:0]; cap(l.waiting) > 2*gatherBytes {
		l.waiting = nil
	}
}

// soon writes the lines that wait, unless some were written just before now. The caller
// holds mu.
func (l *Lines) soon(now time.Time) {
	if len(l.waiting) >= gatherBytes || now.Sub(l.written) >= gatherFor {
		l.flush(now)
		return
	}
	if l.timed {
		return
	}
	l.timed = true
	if l.timer == nil {
		l.timer = time.AfterFunc(gatherFor, l.onTime)
	} else {
		l.timer.Reset(gatherFor)
	}
}

func (l *Lines) onTime() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timed = false
	l.flush(time.Now())
}

// Text returns a handler that writes what slog.NewTextHandler does, masked, to l.
func Text(l *Lines, level slog.Leveler) slog.Handler {
	return gatherer{slog.NewTextHandler(l, &slog.HandlerOptions{Level: level, ReplaceAttr: Mask}), l, true}
}

// JSON returns a handler that writes what slog.NewJSONHandler does, masked, to l.
func JSON(l *Lines, level slog.Leveler) slog.Handler {
	return gatherer{slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level, ReplaceAttr: Mask}), l, false}
}

type gatherer struct {
	slog.Handler
	lines *Lines
	text  bool // appendRequest writes as Handler does
}

// Handle implements slog.Handler.
func (g gatherer) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != Request || r.Level > slog.LevelInfo {
		err := g.Handler.Handle(ctx, r)
		g.lines.Flush()
		return err
	}
	if g.text && g.lines.add(r) {
		return nil
	}
	err := g.Handler.Handle(ctx, r)
	g.lines.mu.Lock()
	defer g.lines.mu.Unlock()
	g.lines.soon(time.Now())
	return err
}

// WithAttrs implements slog.Handler.
func (g gatherer) WithAttrs(as []slog.Attr) slog.Handler {
	return gatherer{g.Handler.WithAttrs(as), g.lines, false}
}

// WithGroup implements slog.Handler.
func (g gatherer) WithGroup(name string) slog.Handler {
	return gatherer{g.Handler.WithGroup(name), g.lines, false}
}

// add adds the line of a request if it is a plain one.
func (l *Lines) add(r slog.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := appendRequest(l.waiting, r)
	if !ok {
		return false
	}
	l.waiting = b
	l.soon(r.Time)
	return true
}

// appendRequest appends the line of slog.NewTextHandler for a record whose texts need no
// quotes, or returns false. It takes a quarter of the time (BenchmarkRequestLine): slog
// hands every attribute to ReplaceAttr, the built-in ones too. Mask changes errors only,
// of which there is none here.
func appendRequest(b []byte, r slog.Record) ([]byte, bool) {
	if r.Time.IsZero() {
		return nil, false
	}
	b = append(b, "time="...)
	b = appendMillis(b, r.Time)
	b = append(b, " level="...)
	b = append(b, r.Level.String()...)
	b = append(b, " msg="...)
	b = append(b, r.Message...)
	plain := true
	r.Attrs(func(a slog.Attr) bool {
		b = append(b, ' ')
		b = append(b, a.Key...)
		b = append(b, '=')
		switch a.Value.Kind() {
		case slog.KindString:
			b = append(b, a.Value.String()...)
			plain = unquoted(a.Key) && unquoted(a.Value.String())
		case slog.KindInt64:
			b = strconv.AppendInt(b, a.Value.Int64(), 10)
			plain = unquoted(a.Key)
		default:
			plain = false
		}
		return plain
	})
	return append(b, '\n'), plain
}

// unquoted reports whether slog's text handler writes s as it is.
func unquoted(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// appendMillis appends a time as slog's text handler does.
func appendMillis(b []byte, t time.Time) []byte {
	n := len(b) + len("2006-01-02T15:04:05.000")
	// A tenth of a millisecond more, since RFC3339Nano leaves out zeros at the end.
	b = t.Truncate(time.Millisecond).Add(time.Millisecond/10).AppendFormat(b, time.RFC3339Nano)
	return append(b[:n], b[n+1:]...)
}
