package bench

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat_NameWithBrackets(t *testing.T) {
	t.Parallel()
	got, err := parseStat("42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 1 0 99 1 2")
	if err != nil || got != (process{parent: 7, cpu: 2500 * time.Millisecond}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, line := range []string{"", "42 (a) S 7", "42 (a) S x 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "42 (a) S 7 1 1 1 1 1 1 1 1 1 x 1 1 1"} {
		if p, err := parseStat(line); err == nil {
			t.Errorf("%q is read as %+v", line, p)
		}
	}
}

func TestTreeTime_CountsChildrenOfChildren(t *testing.T) {
	t.Parallel()
	all := map[int]process{1: {0, time.Hour}, 2: {1, time.Second}, 3: {2, 2 * time.Second}, 4: {3, 4 * time.Second}, 5: {1, time.Minute}}
	if got := treeTime(all, 2); got != 7*time.Second {
		t.Errorf("%v", got)
	}
	if got := treeTime(all, 9); got != 0 {
		t.Errorf("a process that is not there used %v", got)
	}
}

func TestUsage_SinceForEachMessage(t *testing.T) {
	t.Parallel()
	before := usage{"serve": time.Second, "postgres": time.Second}
	after := usage{"serve": 2 * time.Second, "postgres": time.Second, "work": time.Second}
	per := after.since(before, 10_000)
	if d := cmp.Diff(map[string]float64{"serve": 100, "work": 100, "all": 200}, per); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := cpuText(per); got != "CPU 200 us a message: serve 100, work 100" {
		t.Errorf("%q", got)
	}
	if got := cpuText(nil); got != "" {
		t.Errorf("%q", got)
	}
}

func TestMedians_OfEachPart(t *testing.T) {
	t.Parallel()
	got := medians([]map[string]float64{{"all": 9, "serve": 1}, {"all": 1, "serve": 2}, {"all": 4}, {"all": 2}})
	if d := cmp.Diff(map[string]float64{"all": 3, "serve": 1.5}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := medians(nil); got["all"] != 0 {
		t.Errorf("of none: %v", got)
	}
}

// A process that computes is seen to use CPU time.
func TestProcesses_SeeWhatIsUsed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("CPU times come from /proc")
	}
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read x")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	line := make([]byte, 4)
	_, err = out.Read(line)
	must(t, err)
	all := processes()
	if p := all[cmd.Process.Pid]; p.parent != os.Getpid() || p.cpu <= 0 || !strings.HasPrefix(string(line), "done") {
		t.Errorf("%+v after %q", p, line)
	}
	if treeTime(all, os.Getpid()) < all[cmd.Process.Pid].cpu {
		t.Error("the child does not count")
	}
}
