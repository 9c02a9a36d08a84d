//go:build fault

package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
)

// number returns a number of the environment, or another one.
func number(t *testing.T, name string, other uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return other
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// drillOptions returns those of a drill, with the seed of the environment or a new one.
func drillOptions(t *testing.T) drill.Options {
	t.Helper()
	o := drill.Options{Binary: binary, Messages: int(number(t, "SENDOFF_FAULT_MESSAGES", 5000)), Seed: number(t, "SENDOFF_FAULT_SEED", 0)}
	o.Messages = max(o.Messages, 200)
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	return o
}

// seeds returns with how many seeds the drills run whose faults depend on one; 0: with
// one, among the others.
func seeds(t *testing.T) uint64 {
	t.Helper()
	return number(t, "SENDOFF_FAULT_SEEDS", 0)
}

// Every drill keeps the promises.
func TestScenario(t *testing.T) {
	o := drillOptions(t)
	t.Logf("seed %d, %d messages each", o.Seed, o.Messages)
	for _, c := range drill.Scenarios() {
		t.Run(c.Name, func(t *testing.T) {
			if why := c.Unable(); why != "" {
				t.Skip(why)
			}
			if c.Seeded() && seeds(t) > 0 {
				t.Skip("TestSeeds runs it with each seed")
			}
			c.On(t, o)
		})
	}
}

// Drills keep the promises with whatever seed: SENDOFF_FAULT_SEEDS of them, from
// SENDOFF_FAULT_SEED on. Each has a line; the log is that of a drill that was broken.
func TestSeeds(t *testing.T) {
	n := seeds(t)
	if n == 0 {
		t.Skip("no SEEDS: TestScenario takes one seed (make fault SEEDS=10)")
	}
	o, all := drillOptions(t), drill.Result{}
	for range n {
		one := seed(t, o)
		all.Add(one)
		o.Seed++
	}
	t.Logf("%d seeds: %s", n, line(all))
}

// seed runs the drills of a seed.
func seed(t *testing.T, o drill.Options) (sum drill.Result) {
	t.Helper()
	began := time.Now()
	for _, c := range drill.Scenarios() {
		if !c.Seeded() {
			continue
		}
		var log []string
		o.Log = func(line string) { log = append(log, line) }
		r := c.Run(t.Context(), o)
		if len(r.Broken) > 0 {
			t.Errorf("%s with seed %d: %s\n%s", c.Name, o.Seed, strings.Join(r.Broken, "\n"), strings.Join(log, "\n"))
		}
		sum.Add(r.Result)
	}
	t.Logf("seed %d: %s; %.0f s", o.Seed, line(sum), time.Since(began).Seconds())
	return sum
}

// line is a result on a line.
func line(r drill.Result) string {
	return fmt.Sprintf("%d messages, %d faults; lost %d, %d copies (%d beyond the first, at most %d of a message), %d maybe_sent, %d unknown",
		r.Accepted, r.Faults, r.Lost, r.Copies, r.Duplicates, r.Most, r.MaybeSent, r.Unknown)
}
