package accept

import (
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// refused reports whether err refuses a draft for what it holds. The rest of it is
// still checked, since a client is told of all faults at once.
func refused(err error) bool {
	switch dispatch.CodeOf(err) {
	case dispatch.Invalid, dispatch.ChannelNotFound, dispatch.TemplateNotFound, dispatch.UnsupportedType:
		return true
	}
	return false
}

// allFaults returns the refusal of a draft with all its faults, or nil if there is
// neither a refusal nor a fault. Left out is what may be the consequence of a fault
// that the draft's reader has found. The code is that of the refusal, such as
// template_not_found, unless the reader's come first.
func allFaults(d *dispatch.Draft, refusal error, faults dispatch.Faults) error {
	if n := len(d.Faults); n > 0 {
		faults = slices.Concat(faults[:n], faults[n:].Apart(d.Faults))
		if refusal != nil && len(faultsOf(refusal, "/channel").Apart(d.Faults)) == 0 {
			refusal = nil
		}
	}
	if refusal == nil {
		return faults.Err()
	}
	if d.FaultsFirst {
		return slices.Concat(faults, faultsOf(refusal, "/channel")).Err()
	}
	return alsoAt(refusal, faults)
}

// alsoAt returns the refusal err with further faults.
func alsoAt(err error, faults []dispatch.Fault) error {
	e := dispatch.AsError(err)
	if len(faults) == 0 || !refused(err) {
		return err
	}
	all := *e
	all.Faults = slices.Concat(faultsOf(err, "/channel"), faults)
	return &all
}
