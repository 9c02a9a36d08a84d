package accept

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// fallback checks the entries of a fallback as if they were sent now, with the
// parent's recipient where an entry names none, so that a fault is found when
// it can still be mended. It gives them as they are stored.
func (s *Service) fallback(ctx context.Context, who *Caller, d *dispatch.Draft) (string, error) {
	if len(d.Fallback) == 0 {
		return "", nil
	}
	if d.Parent != dispatch.NoID { // checked with the parent; one that no longer passes is passed over in its turn
		raw, err := json.Marshal(d.Fallback)
		return string(raw), err
	}
	var faults dispatch.Faults
	var out strings.Builder
	out.WriteString("[")
	for i, raw := range d.Fallback {
		e, err := s.DecodeDraft(raw)
		if err == nil && len(e.Fallback) > 0 {
			err = dispatch.InvalidField("/fallback", "a fallback has no fallback of its own; list the entries one after the other")
		}
		if err == nil && e.To == "" {
			e.To = d.To
		}
		if err == nil {
			err = who.RequireFor([]dispatch.Draft{e})
		}
		if err == nil {
			_, err = s.prepare(ctx, who, &e, time.Now())
		}
		if err != nil {
			if code := dispatch.CodeOf(err); code == dispatch.Internal || code == dispatch.Forbidden {
				return "", err
			}
			for _, f := range faultsOf(err, "") {
				faults.Add(fmt.Sprintf("/fallback/%d%s", i, f.Field), "%s", f.Msg)
			}
		}
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString(string(raw))
	}
	return out.String() + "]", faults.Err()
}
