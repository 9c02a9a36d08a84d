// Package drill is the command that proves the promises on a user's machine.
package drill

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/drill"
)

// Command kills Sendoff and its servers while messages are under way.
type Command struct {
	Scenario []string `help:"Run only these, separated by commas." placeholder:"NAME"`
	Messages int      `help:"Messages a scenario; at least 200 (default 2000, 200000 with --long)." placeholder:"N"`
	Seed     uint64   `help:"Repeat the random faults of a run; it prints its seed." placeholder:"N"`
	Long     bool     `help:"One long scenario: at least 60 faults of every kind at random. It takes about half an hour."`
	List     bool     `help:"List the scenarios."`
	Markdown bool     `help:"Print the table as Markdown."`
	JSON     bool     `name:"json" help:"Print the reports as JSON."`
}

// Help returns the long help.
func (c *Command) Help() string {
	return `A drill starts Postgres, Redis, a provider emulator, serve and work of its own, sends messages, makes a fault, ` +
		`and holds what has arrived against the promises: nothing that was accepted is lost, nothing is sent more often than ` +
		`asked, and every possible copy shows as maybe_sent. It touches no other server and connects to loopback only.`
}

// Run runs the scenarios and prints a table. It returns an error if a promise was
// broken.
func (c *Command) Run(e *console.Env) error {
	if c.List {
		return c.list(e)
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o := drill.Options{Binary: binary, Scenarios: c.Scenario, Messages: c.Messages, Seed: c.Seed, Long: c.Long}
	if err := o.Check(); err != nil {
		return fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	o.Log = func(line string) { fmt.Fprintln(e.Stderr, "   "+line) }
	fmt.Fprintf(e.Stderr, "seed %d; Ctrl-C ends the drill and what it started\n", o.Seed)
	reports := []drill.Report{}
	err = drill.Run(e.Ctx, o,
		func(s drill.Scenario) { fmt.Fprintf(e.Stderr, "%s: %s\n", s.Name, s.Fault) },
		func(r drill.Report) { reports = append(reports, r) })
	return errors.Join(c.print(e, reports), broken(e, reports), err)
}

func (c *Command) list(e *console.Env) error {
	if c.JSON {
		return console.PrintJSON(e.Stdout, drill.Scenarios())
	}
	var rows [][]string
	for _, s := range drill.Scenarios() {
		rows = append(rows, []string{s.Name, s.Fault})
	}
	return console.PrintTable(e.Stdout, "NAME FAULT", rows)
}

func (c *Command) print(e *console.Env, reports []drill.Report) error {
	if c.JSON {
		return console.PrintJSON(e.Stdout, reports)
	}
	if c.Markdown {
		return markdown(e, reports)
	}
	var rows [][]string
	for i := range reports {
		r := &reports[i]
		rows = append(rows, append([]string{r.Name}, figures(r)...))
	}
	return console.PrintTable(e.Stdout, "NAME ACCEPTED FAULTS LOST SENT_TWICE RECOVERED_IN PROMISES", rows)
}

// figures returns the cells of a report.
func figures(r *drill.Report) []string {
	end := "kept"
	switch {
	case len(r.Broken) > 0:
		end = "BROKEN"
	case r.Skipped != "":
		end = "not run: " + r.Skipped
	}
	return []string{
		fmt.Sprint(r.Accepted), fmt.Sprint(r.Faults), fmt.Sprint(r.Lost), fmt.Sprint(r.Duplicates), fmt.Sprintf("%.1f s", r.RecoveredS), end,
	}
}

func markdown(e *console.Env, reports []drill.Report) error {
	lines := []string{
		"| fault | what a user sees | accepted | faults | lost | sent twice | recovered in | promises |",
		"|---|---|--:|--:|--:|--:|--:|---|",
	}
	for i := range reports {
		r := &reports[i]
		lines = append(lines, "| "+strings.Join(append([]string{r.Fault, r.Seen}, figures(r)...), " | ")+" |")
	}
	_, err := fmt.Fprintln(e.Stdout, strings.Join(lines, "\n"))
	return err
}

// broken lists what went wrong.
func broken(e *console.Env, reports []drill.Report) error {
	n := 0
	for i := range reports {
		for _, fault := range reports[i].Broken {
			n++
			fmt.Fprintf(e.Stderr, "%s: %s\n", reports[i].Name, fault)
		}
	}
	if n > 0 {
		return fmt.Errorf("promises are broken, see the %d lines above; --seed %d repeats the random faults", n, reports[0].Seed)
	}
	return nil
}
