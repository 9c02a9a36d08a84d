//go:build fault

// Package fault runs the drills, and what only a test can set up: Sendoff and the
// servers it uses are killed while thousands of messages are under way, and what
// arrives is counted (`make fault`).
package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sendoff/sendoff/internal/drill"
)

// binary is a copy of bin/sendoff: a build in the middle of a run must not
// change what is tested.
var binary string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "bin", "sendoff"))
	if err != nil {
		return 0, fmt.Errorf("run `make fault`, which builds bin/sendoff: %w", err)
	}
	dir, err := os.MkdirTemp("", "sendoff-fault")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "sendoff")
	if err := os.WriteFile(binary, raw, 0o755); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// stack is a drill's, with what these tests ask of it.
type stack struct {
	*drill.Stack
	t *testing.T
}

// start starts everything.
func start(t *testing.T) *stack {
	t.Helper()
	return &stack{drill.Start(t, binary), t}
}

// servers starts everything but serve and work.
func servers(t *testing.T) *stack {
	t.Helper()
	return &stack{drill.StartServers(t, binary), t}
}
