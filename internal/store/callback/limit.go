package callback

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/portfolio"
)

// SetMessagingLimit sets the messaging limit that a provider reports at ch, for all
// channels that share it.
func (s *Store) SetMessagingLimit(ctx context.Context, ch *dispatch.Channel, limit int) error {
	return portfolio.SetLimit(ctx, s.db, ch, limit)
}
