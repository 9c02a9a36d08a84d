package people

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// openAll decodes the content of inbound messages.
func openAll(rs []dispatch.Received) error {
	for i := range rs {
		if err := rs[i].Open(); err != nil {
			return err
		}
	}
	return nil
}

// Inbound returns an inbound message of the account and what the provider sent.
func (p *People) Inbound(ctx context.Context, account int64, id dispatch.ID) (dispatch.Received, string, error) {
	var row struct {
		dispatch.Received
		Raw string `db:"raw"`
	}
	err := p.db.GetContext(ctx, &row, `SELECT `+pg.Inbound+`, raw FROM inbound WHERE account_id = $1 AND id = $2::uuid`, account, id.String())
	if err != nil {
		return row.Received, "", pg.Wrap("read inbound message", err)
	}
	return row.Received, row.Raw, row.Open()
}
