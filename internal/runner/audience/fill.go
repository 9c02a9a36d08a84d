package audience

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sendoff/sendoff/internal/campaign"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// FillStore writes ledgers, in the transaction that has the campaign's step or row.
type FillStore interface {
	Store
	Known(ctx context.Context, id int64, persons []string) (map[string]bool, error)
	AddRecipients(ctx context.Context, id int64, rows []store.Recipient) error
}

// Fill appends one page of the audience to c's ledger and moves c's cursor, which
// the caller saves in the same transaction. It returns how many of the page will
// get a message.
func (s *Source) Fill(ctx context.Context, db FillStore, c *store.Campaign) (sendable int, err error) {
	var at Cursor
	if err := json.Unmarshal([]byte(c.Fill), &at); err != nil {
		return 0, fmt.Errorf("read cursor of campaign %d: %w", c.ID, err)
	}
	s.brief = true
	rows, next, done, err := s.Page(ctx, db, at, func(ctx context.Context, persons []string) (map[string]bool, error) {
		return db.Known(ctx, c.ID, persons)
	})
	if err != nil {
		return 0, err
	}
	recipients := make([]store.Recipient, len(rows))
	for i := range rows {
		recipients[i] = rows[i].Recipient
		if rows[i].Status == campaign.Waiting {
			sendable++
			c.Waits(&rows[i].Recipient)
		}
	}
	if err := db.AddRecipients(ctx, c.ID, recipients); err != nil {
		return 0, err
	}
	raw, err := json.Marshal(next)
	c.Fill, c.Filled = string(raw), done
	return sendable, err
}
