package account

import (
	"context"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// OpenWindow opens the conversation window of a number on a channel, as a message
// from that number would.
func (s *Store) OpenWindow(ctx context.Context, channel int64, phone string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO windows (channel_id, phone, opened_at) VALUES ($1, $2, now())
		ON CONFLICT (channel_id, phone) DO UPDATE SET opened_at = now()`, channel, phone)
	return pg.Wrap("open conversation window", err)
}
