package campaign

import (
	"fmt"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// State is where a campaign stands. The numbers are stored.
type State int16

// The states. Finished and Cancelled are final.
const (
	Draft     State = 0
	Scheduled State = 1
	Running   State = 2
	Paused    State = 3
	Finished  State = 4
	Cancelled State = 5
)

// States lists them all.
var States = []State{Draft, Scheduled, Running, Paused, Finished, Cancelled}

var stateNames = [...]string{"draft", "scheduled", "running", "paused", "finished", "cancelled"}

// String returns the name that the API shows.
func (s State) String() string { return stateNames[s] }

// ParseState finds a state by its name.
func ParseState(name string) (State, bool) {
	i := slices.Index(stateNames[:], name)
	return State(max(i, 0)), i >= 0
}

// Action is what can be done with a campaign.
type Action string

// The actions, by the names that `can` shows.
const (
	Edit     Action = "edit"
	Delete   Action = "delete"
	Validate Action = "validate"
	Launch   Action = "launch"
	Pause    Action = "pause"
	Resume   Action = "resume"
	Cancel   Action = "cancel"
	Retry    Action = "retry"
)

// Actions lists them in the order of `can`.
var Actions = []Action{Validate, Launch, Edit, Pause, Resume, Cancel, Retry, Delete}

// Verdict is whether a state takes an action.
type Verdict int

// The verdicts.
const (
	Forbidden Verdict = iota // 409 invalid_state
	Repeated                 // it is so already: 200, and nothing changes
	Allowed
)

// verdicts is the table of states and actions; what it does not have is forbidden.
var verdicts = map[State]map[Action]Verdict{
	Draft:     {Validate: Allowed, Launch: Allowed, Edit: Allowed, Cancel: Allowed, Delete: Allowed},
	Scheduled: {Validate: Allowed, Launch: Repeated, Edit: Allowed, Pause: Allowed, Resume: Repeated, Cancel: Allowed},
	Running:   {Validate: Repeated, Launch: Repeated, Pause: Allowed, Resume: Repeated, Cancel: Allowed},
	Paused:    {Validate: Repeated, Pause: Repeated, Resume: Allowed, Cancel: Allowed, Retry: Allowed},
	Finished:  {Validate: Repeated, Retry: Allowed},
	Cancelled: {Validate: Repeated, Cancel: Repeated, Retry: Allowed},
}

// Check returns whether s takes the action; Forbidden comes with the error for
// the client.
func (s State) Check(a Action) (Verdict, error) {
	v := verdicts[s][a]
	if v == Forbidden {
		return v, dispatch.Errorf(dispatch.InvalidState, "cannot %s a campaign that is %s", a, s)
	}
	return v, nil
}

// After returns the state that an allowed action leads to. begun reports
// whether the campaign has started: its start is not ahead, and it is not the
// parent of a recurrence.
func (s State) After(a Action, begun bool) (State, error) {
	if v, err := s.Check(a); v != Allowed {
		return s, err
	}
	switch a {
	case Launch, Resume:
		if !begun {
			return Scheduled, nil
		}
		return Running, nil
	case Pause:
		return Paused, nil
	case Cancel:
		return Cancelled, nil
	case Edit, Delete, Validate, Retry: // a retry makes a child
		return s, nil
	}
	return s, fmt.Errorf("action %q is unknown", a)
}

// Can lists the actions that would change something.
func (s State) Can() []Action {
	can := []Action{}
	for _, a := range Actions {
		if verdicts[s][a] == Allowed {
			can = append(can, a)
		}
	}
	return can
}

// Final reports whether nothing more will be sent.
func (s State) Final() bool { return s == Finished || s == Cancelled }
