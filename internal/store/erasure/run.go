package erasure

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const sqlTake = `
UPDATE erasures SET lease_until = clock_timestamp() + interval '5 minutes' WHERE id = (SELECT id FROM erasures
  WHERE finished_at IS NULL AND (lease_until IS NULL OR lease_until < clock_timestamp()) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING ` + columns

// Take returns an erasure that is to be done and that no process does.
func (s *Store) Take(ctx context.Context) (e Erasure, found bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		err := pg.Wrap("take erasure", tx.GetContext(ctx, &e, sqlTake))
		found = err == nil
		if errors.Is(err, dispatch.ErrNotFound) {
			return nil
		}
		return err
	})
	return e, found, err
}

// messagePage is how many messages of the account are looked at in one
// statement: no index has recipients.
const messagePage = 20_000

const sqlMessages = `
SELECT id, recipient = ANY($3) AS theirs FROM (SELECT id, recipient FROM messages WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $4) m
ORDER BY id`

// Messages calls each with the messages to the person, page by page.
func (s *Store) Messages(ctx context.Context, e *Erasure, each func([]uuid.UUID) error) error {
	for after := (uuid.UUID{}); ; {
		var rows []struct {
			ID     uuid.UUID `db:"id"`
			Theirs bool      `db:"theirs"`
		}
		if err := s.db.SelectContext(ctx, &rows, sqlMessages, e.Account, after, e.IDs, messagePage); err != nil {
			return pg.Wrap("look for messages", err)
		}
		var ids []uuid.UUID
		for _, r := range rows {
			if r.Theirs {
				ids = append(ids, r.ID)
			}
		}
		for page := range slices.Chunk(ids, 1000) {
			if err := each(page); err != nil {
				return err
			}
		}
		if len(rows) < messagePage {
			return nil
		}
		after = rows[len(rows)-1].ID
	}
}

// sqlSkip skips the person in the ledgers of campaigns that have no message for
// them yet.
var sqlSkip = numbers.SQL(`
WITH x AS MATERIALIZED (SELECT r.campaign_id, r.seq, r.status, r.reason FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id
  WHERE c.account_id = $1 AND r.recipient = ANY($2) AND r.status IN ({row_waiting}, {row_held}) AND r.message_id IS NULL
  ORDER BY r.campaign_id, r.seq FOR UPDATE OF r),
c AS (UPDATE campaign_recipients r SET status = {row_skipped}, reason = {skip_suppressed}, indexed_status = {row_skipped} FROM x
  WHERE r.campaign_id = x.campaign_id AND r.seq = x.seq
  RETURNING r.campaign_id, x.status AS was, x.reason AS was_reason, r.status, r.reason)`) + ledger.Count

var numbers = pg.Domain.Merge(ledger.Numbers)

// Finish removes the rest and ends an erasure: its ids are forgotten.
func (s *Store) Finish(ctx context.Context, e *Erasure, removed map[string]int64) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlSkip, e.Account, e.IDs); err != nil {
			return pg.Wrap("skip recipient", err)
		}
		if err := blankContacts(ctx, tx, e, removed); err != nil {
			return err
		}
		for _, what := range ofPerson {
			if err := count(ctx, tx, removed, what.name, what.sql, e.Account, e.IDs); err != nil {
				return err
			}
		}
		if err := eraseInbound(ctx, tx, e, removed); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE erasures SET ids = '{}', removed = $2, finished_at = now() WHERE id = $1`, e.ID, pg.JSON(removed))
		return pg.Wrap("end erasure", err)
	})
}

const sqlInbound = `SELECT id FROM inbound
  WHERE account_id = $1 AND (from_phone = ANY($2) OR '+' || wa_id = ANY($2) OR user_id <> '' AND user_id = ANY($2))`

// eraseInbound deletes what the person wrote, and the webhooks of it. No event becomes
// a webhook from here to the end of the transaction.
func eraseInbound(ctx context.Context, tx *pg.DB, e *Erasure, removed map[string]int64) error {
	var ids []uuid.UUID
	if err := tx.SelectContext(ctx, &ids, sqlInbound, e.Account, e.IDs); err != nil {
		return pg.Wrap("look for inbound messages", err)
	}
	s := New(tx)
	if err := s.expanded(ctx); err != nil {
		return err
	}
	if err := s.each(ctx, ids, removed, statement{"inbound", `DELETE FROM inbound WHERE id = ANY($1)`}, dropUndelivered); err != nil {
		return err
	}
	_, err := s.blankDeliveries(ctx, ids, removed)
	return err
}

// Postpone notes what was removed so far and lets the rest be done in a moment.
func (s *Store) Postpone(ctx context.Context, e *Erasure, removed map[string]int64) error {
	_, err := s.db.ExecContext(ctx, `UPDATE erasures SET removed = $2, lease_until = clock_timestamp() + interval '2 seconds' WHERE id = $1`,
		e.ID, pg.JSON(removed))
	return pg.Wrap("postpone erasure", err)
}

// patient lets statements read whole tables: nothing is indexed by person.
func patient(ctx context.Context, tx *pg.DB) error {
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = '5min'`)
	return pg.Wrap("set timeout", err)
}

func count(ctx context.Context, tx *pg.DB, removed map[string]int64, name, sql string, args ...any) error {
	r, err := tx.ExecContext(ctx, sql, args...)
	if err != nil {
		return pg.Wrap("erase "+name, err)
	}
	n, err := r.RowsAffected()
	removed[name] += n
	return err
}

// Counts returns what was removed so far.
func (e *Erasure) Counts() map[string]int64 {
	out := map[string]int64{}
	_ = json.Unmarshal(e.Removed, &out) // ours
	return out
}
