package accept

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// fallback checks the entries of a draft's fallback as if they were sent now,
// so that a fault is reported while the client can still correct it. It returns
// the entries as they are stored.
func (s *Service) fallback(ctx context.Context, who *Caller, d *dispatch.Draft, now time.Time) (string, error) {
	if d.Parent == dispatch.NoID { // those of a child were checked with its parent
		var faults dispatch.Faults
		for i, raw := range d.Fallback {
			if err := addFaults(&faults, i, s.checkEntry(ctx, who, d, raw, now)); err != nil {
				return "", err
			}
		}
		if err := faults.Err(); err != nil {
			return "", err
		}
	}
	raw, err := json.Marshal(d.Fallback)
	return string(raw), err
}

// checkEntry checks one entry of d's fallback. One without a recipient is sent
// to that of d.
func (s *Service) checkEntry(ctx context.Context, who *Caller, d *dispatch.Draft, raw []byte, now time.Time) error {
	e, err := s.DecodeDraft(raw)
	if err != nil {
		return err
	}
	if len(e.Fallback) > 0 {
		return dispatch.InvalidField("/fallback", "a fallback has no fallback of its own; list the entries one after the other")
	}
	if e.To == "" {
		e.To = d.To
	}
	if err := who.RequireFor([]dispatch.Draft{e}); err != nil {
		return err
	}
	_, err = s.check(ctx, who, &e, now, new(place))
	return err
}

// addFaults adds err to faults as one of the i-th entry. It returns err if it is
// not about the entry but about the whole request.
func addFaults(faults *dispatch.Faults, i int, err error) error {
	if err == nil {
		return nil
	}
	if code := dispatch.CodeOf(err); code == dispatch.Internal || code == dispatch.Forbidden {
		return err
	}
	for _, f := range faultsOf(err, "") {
		faults.Add(fmt.Sprintf("/fallback/%d%s", i, f.Field), "%s", f.Msg)
	}
	return nil
}
