// Package drill kills Sendoff and the servers it uses while thousands of messages
// are under way, and counts what arrives: the promises, proven on the machine of
// whoever runs it (`sendoff drill`, `make fault`). It works with servers and
// processes of its own, and the provider emulator.
package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The messages of a scenario, and of the long one.
const (
	DefaultMessages = 2000
	leastMessages   = 200
	longMessages    = 200_000
	longFaults      = 60 // at least; see every
)

// Options are what a run needs.
type Options struct {
	Binary    string // Sendoff's
	Scenarios []string
	Messages  int    // a scenario; 0: DefaultMessages, longMessages of the long one
	Seed      uint64 // of the random faults; 0: a new one
	Long      bool   // the long scenario alone
	Log       func(line string)
}

// every returns the mean distance of random faults, as a share of the send.
func (o *Options) every() float64 {
	if o.Long {
		return 0.9 / (1.2 * longFaults)
	}
	return 0.12
}

// Report is the result of a scenario.
type Report struct {
	Scenario
	Result

	Seed       uint64   `json:"seed"`
	RecoveredS float64  `json:"recovered_s"` // from the last 202 to the last status
	TookS      float64  `json:"took_s"`
	Skipped    string   `json:"skipped,omitempty"` // why it did not run
	Broken     []string `json:"broken,omitempty"`  // what went wrong
}

// Check completes o with its defaults. It returns an error for a scenario that
// there is not, and for too few messages.
func (o *Options) Check() error {
	if o.Messages == 0 {
		o.Messages = DefaultMessages
		if o.Long {
			o.Messages = longMessages
		}
	}
	if o.Messages < leastMessages {
		return fmt.Errorf("a drill needs at least %d messages, so that faults fall into the send", leastMessages)
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()>>12 + 1 // such as JSON numbers can hold
	}
	for _, name := range o.Scenarios {
		if !slices.ContainsFunc(Scenarios(), func(s Scenario) bool { return s.Name == name }) {
			return fmt.Errorf("there is no scenario %q; sendoff drill --list names them", name)
		}
	}
	return nil
}

// Run runs the scenarios of checked options one after the other, until ctx ends,
// and calls begin and end for each.
func Run(ctx context.Context, o Options, begin func(Scenario), end func(Report)) error {
	for _, c := range o.chosen() {
		if ctx.Err() != nil {
			break
		}
		begin(c)
		end(c.Run(ctx, o))
	}
	return ctx.Err()
}

// chosen returns the scenarios of a run.
func (o *Options) chosen() []Scenario {
	if o.Long {
		return []Scenario{long()}
	}
	return slices.DeleteFunc(Scenarios(), func(s Scenario) bool { return len(o.Scenarios) > 0 && !slices.Contains(o.Scenarios, s.Name) })
}

// Run runs the scenario.
func (c Scenario) Run(ctx context.Context, o Options) Report {
	r := Report{Scenario: c, Seed: o.Seed}
	began := time.Now()
	if r.Skipped = c.Unable(); r.Skipped != "" {
		return r
	}
	r.Broken = try(ctx, o.Log, func(t T) { r.Result = c.On(t, o) })
	r.TookS, r.RecoveredS = time.Since(began).Seconds(), r.Recovered.Seconds()
	return r
}

// On runs the scenario for a test.
func (c Scenario) On(t T, o Options) Result {
	t.Helper()
	s := startServers(t, o.Binary, disks[c.Name])
	s.StartServe()
	s.StartWork()
	r := c.run(s, o)
	r.Faults = s.made
	t.Logf("attempts without a good end: %s", s.reasons())
	return r
}
