package account

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// ChannelReports returns what providers have reported of the account's channels,
// by channel and in the order of the subjects.
func (s *Store) ChannelReports(ctx context.Context, account int64) (map[int64][]dispatch.ChannelReport, error) {
	var rows []struct {
		Channel int64 `db:"channel_id"`
		dispatch.ChannelReport
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT r.channel_id, r.subject, r.level, r.value, r.detail, r.at
		FROM channel_reports r JOIN channels c ON c.id = r.channel_id WHERE c.account_id = $1 ORDER BY 1, 2`, account)
	out := map[int64][]dispatch.ChannelReport{}
	for _, r := range rows {
		r.At = r.At.UTC()
		out[r.Channel] = append(out[r.Channel], r.ChannelReport)
	}
	return out, pg.Wrap("read reports of channels", err)
}
