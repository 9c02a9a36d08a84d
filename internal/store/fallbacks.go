package store

import (
	"context"
	"slices"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Fallback is a message whose next entry may have to be sent.
type Fallback struct {
	ID        dispatch.ID `db:"id"`
	Account   int64       `db:"account_id"`
	Key       int64       `db:"key_id"`
	To        string      `db:"recipient"`
	Entries   string      `db:"fallback"` // JSON array of native drafts
	Cause     string      `db:"cause"`
	Test      bool        `db:"test"`
	Reference *string     `db:"reference"`
}

var sqlDueFallbacks = numbers.SQL(`
WITH f AS MATERIALIZED (SELECT message_id FROM fallbacks WHERE wake_at <= now() ORDER BY wake_at LIMIT 100 FOR UPDATE SKIP LOCKED),
  u AS (UPDATE fallbacks SET wake_at = now() + interval '10 seconds' WHERE message_id = ANY(ARRAY(SELECT message_id FROM f))
    RETURNING message_id, cause)
SELECT m.id, m.account_id, m.key_id, m.recipient, m.fallback, u.cause, m.test, m.reference FROM u JOIN messages m ON m.id = u.message_id
  WHERE m.fallback IS NOT NULL AND m.status IN ({sent}, {failed}, {expired})`)

var sqlDropFallbacks = numbers.SQL(`DELETE FROM fallbacks WHERE wake_at <= now() + interval '11 seconds' AND message_id IN
		(SELECT f.message_id FROM fallbacks f JOIN messages m ON m.id = f.message_id
		  WHERE f.wake_at <= now() + interval '11 seconds' AND m.status IN ({delivered}, {read}, {cancelled}, {unknown}))`)

// DueFallbacks takes what waits for its fallback; each comes back after ten
// seconds until DropFallback, those that have got their child too: whoever sent
// it may not have learned that it did.
func (s *Store) DueFallbacks(ctx context.Context) ([]Fallback, error) {
	var out []Fallback
	err := s.db.SelectContext(ctx, &out, sqlDueFallbacks)
	if err != nil {
		return nil, pg.Wrap("take fallbacks", err)
	}
	// What was delivered, cancelled or is unknown needs none; what is still to be
	// sent comes back.
	_, err = s.db.ExecContext(ctx, sqlDropFallbacks)
	return out, pg.Wrap("drop fallbacks", err)
}

// DropFallback deletes a fallback that was sent, or can't be.
func (s *Store) DropFallback(ctx context.Context, id dispatch.ID) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM fallbacks WHERE message_id = $1::uuid`, id.String())
	return pg.Wrap("drop fallback", err)
}

// ReturnFallbacks makes fallbacks that DueFallbacks took due again.
func (s *Store) ReturnFallbacks(ctx context.Context, fs []Fallback) error {
	ids := make([]dispatch.ID, len(fs))
	for i, f := range fs {
		ids[i] = f.ID
	}
	_, err := s.db.ExecContext(ctx, `UPDATE fallbacks SET wake_at = now()
		WHERE message_id = ANY(ARRAY(SELECT message_id FROM fallbacks WHERE message_id = ANY($1::uuid[]) AND wake_at > now()
		  FOR UPDATE SKIP LOCKED))`, pg.UUIDArray(ids))
	return pg.Wrap("return fallbacks", err)
}

var sqlLockParents = numbers.SQL(`SELECT id FROM messages WHERE id = ANY($1::uuid[]) AND child_id IS NULL
  AND status IN ({sent}, {failed}, {expired}) ORDER BY id FOR UPDATE`)

// reserveParents locks the parents of fallback children, in id order: a parent
// gets one child, and only while it has failed or expired (or, where the child
// was asked for when no delivery comes in time, is not delivered). tieParents
// names the child once it is accepted: one that is refused must leave its place
// to the next entry.
func reserveParents(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) ([]*NewMessage, error) {
	var parents []string
	for _, a := range page {
		if a.Parent != dispatch.NoID {
			parents = append(parents, a.Parent.String())
		}
	}
	if len(parents) == 0 {
		return page, nil
	}
	var free []dispatch.ID
	if err := tx.SelectContext(ctx, &free, sqlLockParents, pq.Array(parents)); err != nil {
		return nil, pg.Wrap("lock parents of fallbacks", err)
	}
	kept := page[:0:0]
	for _, a := range page {
		if a.Parent != dispatch.NoID {
			at := slices.Index(free, a.Parent)
			if at < 0 {
				out[a.ID] = dispatch.Receipt{Err: dispatch.Errorf(dispatch.Conflict, "the message needs no fallback")}
				continue
			}
			free = slices.Delete(free, at, at+1)
		}
		kept = append(kept, a)
	}
	return kept, nil
}

// tieParents names the children that were accepted.
func tieParents(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	for _, a := range page {
		if a.Parent == dispatch.NoID || out[a.ID].Err != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET child_id = $2, version = version + 1, updated_at = now()
		  WHERE id = $1`, a.Parent.String(), a.ID.String()); err != nil {
			return pg.Wrap("tie fallback to its parent", err)
		}
	}
	return nil
}
