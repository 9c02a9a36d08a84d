package devstack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"github.com/sendoff/sendoff/internal/wait"
)

// TestMain runs this binary as the parent of a stack, to be killed, when
// DEVSTACK_TEST_PARENT names the folder.
func TestMain(m *testing.M) {
	dir := os.Getenv("DEVSTACK_TEST_PARENT")
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), Options{Dir: dir, RedisAOF: true})
	if err != nil {
		fmt.Println("start:", err)
		os.Exit(1)
	}
	fmt.Println(s.PostgresURL())
	fmt.Println(s.PostgresPID())
	fmt.Println(s.RedisPID())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// family is another process with a stack.
type family struct {
	parent   *exec.Cmd
	url      string
	children []int
}

func newFamily(t *testing.T, dir string) *family {
	t.Helper()
	skipWithoutPostgres(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DEVSTACK_TEST_PARENT="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	f := &family{parent: cmd}
	lines := bufio.NewScanner(out)
	lines.Scan()
	f.url = lines.Text()
	for range 2 {
		lines.Scan()
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("parent said %q, %q", f.url, lines.Text())
		}
		if pid != 0 { // miniredis has none
			f.children = append(f.children, pid)
		}
	}
	return f
}

func (f *family) killParent(t *testing.T) {
	t.Helper()
	kill(t, f.parent.Process.Pid)
	_ = f.parent.Wait() // says "killed", as it should
}

func TestStart_AfterKillOfEverything_KeepsData(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	f := newFamily(t, dir)
	runSQL(t, f.url, `CREATE TABLE kept AS SELECT 1 AS n`)
	for _, pid := range f.children {
		kill(t, pid)
	}
	f.killParent(t)

	s := start(t, Options{Dir: dir, RedisAOF: true})
	if got := count(t, s.PostgresURL()); got != 1 {
		t.Errorf("rows = %d, want 1", got)
	}
}

func TestSpawn_ParentKilled_ChildrenEnd(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux signals the children of a process that was killed")
	}
	f := newFamily(t, folder(t))
	f.killParent(t)
	for _, pid := range f.children {
		wait.Until(t, "a child ends with its parent", func() bool { return commandOf(pid) == "" })
	}
}

func TestStart_LeftoverServers_AreEnded(t *testing.T) {
	t.Parallel()
	o := Options{Dir: folder(t)}
	lost := start(t, o)
	runSQL(t, lost.PostgresURL(), `CREATE TABLE kept AS SELECT 1 AS n`)
	if err := lost.place.close(); err != nil { // as if lost had died
		t.Fatal(err)
	}

	s := start(t, o)
	for _, pid := range []int{lost.PostgresPID(), lost.RedisPID()} {
		if commandOf(pid) != "" {
			t.Errorf("leftover %d still runs: %s", pid, commandOf(pid))
		}
	}
	if got := count(t, s.PostgresURL()); got != 1 {
		t.Errorf("rows = %d, want 1", got)
	}
}
