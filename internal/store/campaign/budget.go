package campaign

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/portfolio"
)

// Reserve takes room in the messaging limit of ch for messages to the recipients,
// in this transaction (portfolio.Reserve).
func (s *Store) Reserve(ctx context.Context, ch *dispatch.Channel, most int, recipients []string) (map[string]bool, *time.Time, error) {
	return portfolio.Reserve(ctx, s.db, ch, most, recipients)
}

// Used returns how many users count against the messaging limit of ch.
func (s *Store) Used(ctx context.Context, ch *dispatch.Channel) (int, error) {
	return portfolio.Used(ctx, s.db, ch)
}

// NoteSent counts the recipients of messages that the provider took against the
// messaging limit of ch.
func (s *Store) NoteSent(ctx context.Context, ch *dispatch.Channel, messages []dispatch.ID) error {
	return portfolio.Note(ctx, s.db, ch, messages)
}
