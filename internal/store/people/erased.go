package people

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// optIn takes back the opt-outs of erased persons among those who wrote START.
func (p *People) optIn(ctx context.Context, channel int64, ins []dispatch.Inbound) error {
	var wishes []erasure.OptIn
	for i := range ins {
		in := &ins[i]
		if askedFor(in) != askedStart {
			continue
		}
		for _, id := range []string{in.From, "+" + in.WaID, in.UserID} {
			wishes = append(wishes, erasure.OptIn{ID: id, At: in.At})
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	var account int64
	if err := p.db.GetContext(ctx, &account, `SELECT account_id FROM channels WHERE id = $1`, channel); err != nil {
		return pg.Wrap("read account of channel", err)
	}
	return erasure.FollowOptIns(ctx, p.db, account, dispatch.ScopeAll, wishes)
}
