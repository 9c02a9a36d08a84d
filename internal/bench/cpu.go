package bench

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticks is the number of units a second in which Linux counts the CPU time of
// processes (USER_HZ; proc_pid_stat(5)).
const ticks = 100

// process is what /proc tells of a process.
type process struct {
	parent int
	cpu    time.Duration // its own, and that of children that have ended
}

// parseStat reads a line of /proc/PID/stat. The name of the program stands in
// brackets and may hold any character.
func parseStat(line string) (process, error) {
	_, rest, found := cutLast(line, ") ")
	f := strings.Fields(rest)
	if !found || len(f) < 15 {
		return process{}, fmt.Errorf("%q is no line of /proc/PID/stat", line)
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return process{}, fmt.Errorf("parent of a process: %w", err)
	}
	sum := 0
	for _, s := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.Atoi(s)
		if err != nil {
			return process{}, fmt.Errorf("CPU time of a process: %w", err)
		}
		sum += n
	}
	return process{parent: parent, cpu: time.Duration(sum) * time.Second / ticks}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// processes returns all processes by their id, none on systems without /proc.
func processes() map[int]process {
	all := map[int]process{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		line, err := os.ReadFile(name)
		if err != nil { // ended meanwhile
			continue
		}
		if p, err := parseStat(string(line)); err == nil {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			all[pid] = p
		}
	}
	return all
}

// treeTime returns the CPU time of a process and of all below it.
func treeTime(all map[int]process, root int) (sum time.Duration) {
	for pid, p := range all {
		for at := pid; at != 0; at = all[at].parent {
			if at == root {
				sum += p.cpu
				break
			}
		}
	}
	return sum
}

// usage is the CPU time of each part so far.
type usage map[string]time.Duration

// cpu returns what each part has used so far.
func (s *stage) cpu() usage {
	all, u := processes(), usage{}
	for name, pid := range s.parts() {
		if pid > 0 {
			u[name] = treeTime(all, pid)
		}
	}
	return u
}

// parts returns the process ids of the parts that run.
func (s *stage) parts() map[string]int {
	pids := map[string]int{"postgres": s.stack.PostgresPID(), "redis": s.stack.RedisPID()}
	for name, cmd := range map[string]*exec.Cmd{"serve": s.serve, "work": s.work} {
		if cmd != nil && cmd.ProcessState == nil {
			pids[name] = cmd.Process.Pid
		}
	}
	return pids
}

// minus returns what each part has used since before.
func (u usage) minus(before usage) usage {
	out := usage{}
	for name, t := range u {
		out[name] = t - before[name]
	}
	return out
}

// since returns the microseconds that each part has used for each of n messages
// since before. A part that used none is left out.
func (u usage) since(before usage, n int) map[string]float64 {
	per := map[string]float64{}
	for name, t := range u {
		if us := float64((t - before[name]).Microseconds()) / float64(max(n, 1)); us > 0 {
			per[name] = us
			per["all"] += us
		}
	}
	return per
}

// medians returns the median of each part's costs; of two middle ones the mean.
func medians(costs []map[string]float64) map[string]float64 {
	by := map[string][]float64{}
	for _, cost := range costs {
		for name := range cost {
			by[name] = append(by[name], cost[name])
		}
	}
	out := map[string]float64{}
	for name, all := range by {
		slices.Sort(all)
		n := len(all)
		out[name] = (all[(n-1)/2] + all[n/2]) / 2
	}
	return out
}

// cpuText returns CPU times for people, the sum first.
func cpuText(per map[string]float64) string {
	if len(per) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(per)) {
		if name != "all" {
			parts = append(parts, fmt.Sprintf("%s %.0f", name, per[name]))
		}
	}
	return fmt.Sprintf("CPU %.0f us a message: %s", per["all"], strings.Join(parts, ", "))
}
