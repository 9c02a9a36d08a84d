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
	e.Faults = cutFaults(e.Faults, len(e.Msg))
	return &e
}

// cutFaults returns faults without what no client reads, beside a text of size bytes; nil
// if nothing is left.
func cutFaults(all dispatch.Faults, size int) (faults dispatch.Faults) {
	for _, f := range all[:min(len(all), maxFaults)] {
		f.Field, f.Msg = short(f.Field, maxFaultField), short(f.Msg, maxFaultText)
		b, _ := json.Marshal(f) // texts
		if size += len(b); size > maxFaultLine-200 {
			break
		}
		faults = append(faults, f)
	}
	return faults
}

// short returns the beginning of s, in memory of its own.
func short(s string, most int) string {
	if len(s) <= most {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
