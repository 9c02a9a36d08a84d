package remote

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/cli/console"
)

// progress shows how far a command is: one line that is drawn again on a
// terminal, a plain line now and then elsewhere, nothing with --json.
type progress struct {
	out   io.Writer
	bar   bool
	shown string
	next  time.Time
}

const (
	barWidth   = 30
	plainEvery = 5 * time.Second
)

func newProgress(e *console.Env, silent bool) *progress {
	if silent {
		return &progress{out: io.Discard}
	}
	return &progress{out: e.Stderr, bar: terminal(e.Stderr), next: time.Now().Add(plainEvery)}
}

// terminal reports whether w is a terminal.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show reports n of all; all is 0 if it is not known.
func (p *progress) show(what string, n, all int64) {
	line := fmt.Sprintf("%s %d", what, n)
	if all > 0 {
		line = fmt.Sprintf("%s %s %3d %%", what, bars(n, all), n*100/all)
	}
	switch {
	case p.bar:
		fmt.Fprintf(p.out, "\r%-*s", len(p.shown), line)
		p.shown = line
	case time.Now().After(p.next):
		fmt.Fprintln(p.out, line)
		p.next = time.Now().Add(plainEvery)
	}
}

// bars draws n of all.
func bars(n, all int64) string {
	done := int(n * barWidth / max(all, 1))
	return "[" + strings.Repeat("#", done) + strings.Repeat("-", barWidth-done) + "]"
}

// end leaves the line of a terminal.
func (p *progress) end() {
	if p.bar && p.shown != "" {
		fmt.Fprintln(p.out)
		p.shown = ""
	}
}
