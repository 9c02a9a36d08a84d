package campaign

import (
	"context"
	"errors"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// ErrOvertaken is returned by a step whose campaign somebody has changed meanwhile.
var ErrOvertaken = errors.New("the campaign was changed meanwhile")

// sqlTake tries one campaign after the other, the most overdue first. The advisory
// lock keeps other steps away; whoever pauses or cancels the campaign does not wait
// for it.
const sqlTake = `
SELECT id FROM (SELECT id FROM campaigns WHERE next_at <= now() ORDER BY next_at LIMIT 50) x
WHERE pg_try_advisory_xact_lock(hashtextextended('campaign', id)) LIMIT 1`

// TakeDue takes the step of a campaign that is due, in this transaction. ok is
// false when there is none that nobody else has. The campaign's row is not locked:
// Hold does that at the end of the step.
func (s *Store) TakeDue(ctx context.Context) (c Campaign, ok bool, err error) {
	var id int64
	if err = s.db.GetPrepared(ctx, &id, sqlTake); err == nil {
		// Read again: another step of it may have ended meanwhile.
		err = s.db.GetPrepared(ctx, &c, `SELECT `+columns+`, c.xmin::text AS version FROM campaigns c WHERE c.id = $1 AND c.next_at <= now()`, id)
	}
	if pg.NoRow(err) {
		return c, false, nil
	}
	return c, err == nil, pg.Wrap("take campaign", err)
}

// Hold locks the row of a campaign that TakeDue has read, so that it can be saved.
// It returns ErrOvertaken if the row was changed meanwhile: what the step has done
// was decided from what is no longer so, and its transaction must end without it.
func (s *Store) Hold(ctx context.Context, c *Campaign) error {
	var version string
	err := s.db.GetPrepared(ctx, &version, `SELECT xmin::text FROM campaigns WHERE id = $1 FOR NO KEY UPDATE`, c.ID)
	if pg.NoRow(err) || err == nil && version != c.Version {
		return ErrOvertaken
	}
	return pg.Wrap("hold campaign", err)
}
