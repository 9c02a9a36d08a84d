package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
)

// Asker reads secrets, which are never arguments: other users of the machine
// see those, and the shell keeps them.
type Asker struct {
	env   *Env
	lines *bufio.Reader
}

// NewAsker returns an Asker that reads the standard input of e.
func NewAsker(e *Env) *Asker { return &Asker{env: e, lines: bufio.NewReader(e.Stdin)} }

// ErrNoSecret is returned when no secret was given.
var ErrNoSecret = errors.New("not given")

// GivenSecret returns a secret from a file or from the environment, or
// ErrNoSecret.
func GivenSecret(name, file, variable string) (string, error) {
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		return oneLine(name, string(raw))
	}
	if v, ok := os.LookupEnv(variable); ok && v != "" {
		return oneLine(name, v)
	}
	return "", ErrNoSecret
}

// Secret returns a secret from a file, the environment or a prompt (a line of
// stdin, without a prompt, when that is no terminal).
func (a *Asker) Secret(name, file, variable string) (string, error) {
	v, err := GivenSecret(name, file, variable)
	if !errors.Is(err, ErrNoSecret) {
		return v, err
	}
	line, err := a.ask(name)
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", ErrNoSecret
	}
	return oneLine(name, line)
}

func oneLine(name, v string) (string, error) {
	if v = strings.TrimSpace(v); v == "" || strings.ContainsAny(v, "\n\r\x00") {
		return "", fmt.Errorf("%s must be one line of text", name)
	}
	return v, nil
}

// ask prompts without echo on a terminal.
func (a *Asker) ask(name string) (line string, err error) {
	f, ok := a.env.Stdin.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return a.read()
	}
	show, err := hide(f)
	if err != nil {
		return "", fmt.Errorf("hide what is typed: %w; give %s in a file or in the environment", err, name)
	}
	fmt.Fprintf(a.env.Stderr, "%s (not shown): ", name)
	defer func() {
		fmt.Fprintln(a.env.Stderr)
		err = errors.Join(err, show())
	}()
	// The read can't be interrupted; Ctrl-C must leave the terminal as it was.
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		l, err := a.read()
		got <- answer{l, err}
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-a.env.Ctx.Done():
		return "", errors.New("interrupted")
	}
}

func (a *Asker) read() (string, error) {
	line, err := a.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read answer: %w", err)
	}
	return line, nil
}
