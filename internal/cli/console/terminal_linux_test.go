package console

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal: a person's side and the program's.
type terminal struct{ person, program *os.File }

func openTerminal(t *testing.T) terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return terminal{person: person, program: program}
}

func (tt terminal) echoes(t *testing.T) bool {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(tt.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lflag&unix.ECHO != 0
}

// prompt collects what is written and signals the first text.
type prompt struct {
	mu    sync.Mutex
	text  bytes.Buffer
	first chan struct{}
}

func newPrompt() *prompt { return &prompt{first: make(chan struct{})} }

func (p *prompt) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text.Len() == 0 {
		close(p.first)
	}
	return p.text.Write(b)
}

func (p *prompt) wait(t *testing.T) {
	t.Helper()
	select {
	case <-p.first:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody asks")
	}
}

// asked is what Secret returned.
type asked struct {
	secret string
	err    error
}

func ask(ctx context.Context, tt terminal, p *prompt) chan asked {
	out := make(chan asked, 1)
	go func() {
		v, err := NewAsker(&Env{Ctx: ctx, Stdin: tt.program, Stderr: p}).Secret("the token", "", "SENDOFF_TEST_NOT_SET")
		out <- asked{v, err}
	}()
	return out
}

// At a terminal a secret is asked for by name, what is typed is not shown, and
// the terminal is afterwards as it was.
func TestSecret_Terminal_TypedTextIsNotShown(t *testing.T) {
	t.Parallel()
	tt, p := openTerminal(t), newPrompt()
	if !tt.echoes(t) {
		t.Fatal("a new terminal shows what is typed")
	}
	got := ask(t.Context(), tt, p)
	p.wait(t)
	if tt.echoes(t) {
		t.Error("what is typed is shown")
	}
	if _, err := tt.person.WriteString("s3cret of mine\n"); err != nil {
		t.Fatal(err)
	}
	if a := <-got; a.err != nil || a.secret != "s3cret of mine" {
		t.Errorf("%q, %v", a.secret, a.err)
	}
	if !tt.echoes(t) {
		t.Error("the terminal stays silent")
	}
	if text := p.text.String(); text != "the token (not shown): \n" {
		t.Errorf("asked %q", text)
	}
}

// Ctrl-C at the prompt ends the command with the terminal as it was.
func TestSecret_Terminal_Interrupted(t *testing.T) {
	t.Parallel()
	tt, p := openTerminal(t), newPrompt()
	ctx, cancel := context.WithCancel(t.Context())
	got := ask(ctx, tt, p)
	p.wait(t)
	cancel()
	if a := <-got; a.err == nil || !strings.Contains(a.err.Error(), "interrupted") {
		t.Errorf("%q, %v", a.secret, a.err)
	}
	if !tt.echoes(t) {
		t.Error("the terminal stays silent")
	}
	if _, err := tt.person.WriteString("\n"); err != nil { // ends the open read
		t.Fatal(err)
	}
}

func TestSecret_Terminal_EmptyLine_IsNotGiven(t *testing.T) {
	t.Parallel()
	tt, p := openTerminal(t), newPrompt()
	got := ask(t.Context(), tt, p)
	p.wait(t)
	if _, err := tt.person.WriteString("  \n"); err != nil {
		t.Fatal(err)
	}
	if a := <-got; !errors.Is(a.err, ErrNoSecret) {
		t.Errorf("%q, %v", a.secret, a.err)
	}
}
