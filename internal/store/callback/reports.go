package callback

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// The most that is kept of a report, in bytes.
const (
	maxReportWord   = 100
	maxReportDetail = 1000
)

// sqlReport keeps a report of a channel ($1) or, if it is about the account ($7),
// of all channels of the same business account. An older one that comes late and a
// repeated one change nothing; what changes makes an event.
var sqlReport = pg.Domain.SQL(`
WITH c AS MATERIALIZED (SELECT o.id, o.account_id FROM channels a JOIN channels o ON o.id = a.id
    OR ($7 AND o.account_id = a.account_id AND o.provider = a.provider AND a.settings->>'waba_id' <> ''
      AND o.settings->>'waba_id' = a.settings->>'waba_id')
  WHERE a.id = $1),
  r AS (INSERT INTO channel_reports AS r (channel_id, subject, level, value, detail, at)
    SELECT id, $2, $3, $4, $5, least(now(), to_timestamp($6::bigint / 1e6)) FROM c ORDER BY id
    ON CONFLICT (channel_id, subject) DO UPDATE SET level = excluded.level, value = excluded.value, detail = excluded.detail,
      at = excluded.at
      WHERE r.at <= excluded.at AND (r.level, r.value, r.detail) <> (excluded.level, excluded.value, excluded.detail)
    RETURNING channel_id)
INSERT INTO events (message_id, account_id, channel_id, kind, cause, code, detail)
SELECT '00000000-0000-0000-0000-000000000000', c.account_id, c.id, {event_channel}, 'callback', $3::text,
  jsonb_build_object('subject', $2::text, 'level', $3::text, 'value', $4::text, 'detail', $5::text)::text
FROM r JOIN c ON c.id = r.channel_id`)

// ReportChannel keeps what a provider reports of a channel or of its account.
func (s *Store) ReportChannel(ctx context.Context, channel int64, reports []dispatch.ChannelReport) error {
	_, err := pg.EachStorable(reports, func(some []dispatch.ChannelReport) error {
		for _, r := range some {
			if _, err := s.db.ExecContext(ctx, sqlReport, channel, storable.Cut(r.Subject, maxReportWord), r.Level,
				storable.Cut(r.Value, maxReportWord), storable.Cut(r.Detail, maxReportDetail), *pg.Micros(r.At), r.Account); err != nil {
				return pg.Wrap("keep report of channel", err)
			}
		}
		return nil
	})
	return err
}
