package message

import (
	"encoding/json"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// What is kept of the faults of one message of a batch: of a hundred thousand
// messages all may be faulty, and a client chooses the names in them.
const (
	maxFaults     = 20
	maxFaultField = 64
	maxFaultText  = 200
	maxFaultLine  = 1 << 10
)

// cut returns err without what no client reads.
func cut(err error) error {
	if err == nil {
		return nil
	}
	e := *dispatch.AsError(err)
	e.Msg, e.Err = short(e.Msg, maxFaultText), nil
	faults := make([]dispatch.Fault, 0, min(len(e.Faults), maxFaults))
	size := len(e.Msg)
	for _, f := range e.Faults[:min(len(e.Faults), maxFaults)] {
		f.Field, f.Msg = short(f.Field, maxFaultField), short(f.Msg, maxFaultText)
		b, _ := json.Marshal(f) // texts
		if size += len(b); size > maxFaultLine-200 {
			break
		}
		faults = append(faults, f)
	}
	if e.Faults = faults; len(faults) == 0 {
		e.Faults = nil
	}
	return &e
}

// short returns the beginning of s, in memory of its own.
func short(s string, most int) string {
	if len(s) <= most {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
