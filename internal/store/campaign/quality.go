package campaign

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlQuality reads what the provider has reported since then of the template, and
// of the channel or its account. A channel's own entry of a template stands before
// the account's. A bad quality of a channel is a warning to the provider.
const sqlQuality = `
SELECT coalesce(
  (SELECT 'quality: the provider reports that of the template as ' || t.quality FROM (
      SELECT t.quality, t.quality_at FROM templates e JOIN templates t ON t.account_id = e.account_id AND t.provider = e.provider
        AND t.name = e.name AND t.language = e.language AND (t.id = e.id OR t.channel_id = $1)
      WHERE e.id = $2 ORDER BY t.channel_id NULLS LAST LIMIT 1) t
    WHERE t.quality_at > $3 AND (t.quality = 'red' OR $4 AND t.quality = 'yellow')),
  (SELECT 'quality: the provider reports of the channel: ' || concat_ws(' ', r.subject, r.value, nullif(r.detail, ''))
    FROM channel_reports r
    WHERE r.channel_id = $1 AND r.at > $3 AND (r.level = 'critical' OR r.subject = 'quality' AND r.level <> 'ok')
    ORDER BY r.level = 'critical' DESC, r.at DESC LIMIT 1), '')`

// BadQuality returns what the provider has reported since then that speaks against
// sending more, "" for nothing. strict counts a template's yellow too.
func (s *Store) BadQuality(ctx context.Context, c *Campaign, since time.Time, strict bool) (string, error) {
	var reason string
	err := s.db.GetPrepared(ctx, &reason, sqlQuality, c.Channel, c.Template, since, strict)
	return reason, pg.Wrap("read quality", err)
}
