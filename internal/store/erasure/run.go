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
  WHERE c.account_id = $1 AND r.recipient = ANY($2) AND r.status IN ({row_waiting}, {row_held}) AND r.message_id IS NULL FOR UPDATE OF r),
c AS (UPDATE campaign_recipients r SET status = {row_skipped}, reason = {skip_suppressed} FROM x
  WHERE r.campaign_id = x.campaign_id AND r.seq = x.seq
  RETURNING r.campaign_id, x.status AS was, x.reason AS was_reason, r.status, r.reason)`) + ledger.Count

var numbers = pg.Domain.Merge(ledger.Numbers)

// What else is removed of the person with the ids $2 of the account $1.
var ofPerson = []statement{
	{"contacts", `DELETE FROM contacts WHERE account_id = $1 AND (phone = ANY($2) OR wa_id <> '' AND '+' || wa_id = ANY($2)
		OR user_id <> '' AND user_id = ANY($2))`},
	{"campaign_recipients", `UPDATE campaign_recipients r SET recipient = '', person = NULL, fields = '{}', detail = '' FROM campaigns c
		WHERE c.id = r.campaign_id AND c.account_id = $1 AND r.recipient = ANY($2)`},
	{"import_rows", `UPDATE import_rows r SET phone = NULL, wa_id = '', user_id = '', name = '', time_zone = '', fields = '{}', problem = NULL,
		cells = NULL, result = 'suppressed' FROM imports i WHERE i.id = r.import_id AND i.account_id = $1
		AND (r.phone = ANY($2) OR r.wa_id <> '' AND '+' || r.wa_id = ANY($2) OR r.user_id <> '' AND r.user_id = ANY($2))`},
	{"import_changes", `DELETE FROM import_changes c USING imports i WHERE i.id = c.import_id AND i.account_id = $1
		AND (c.target = ANY($2) OR c.before ->> 'phone' = ANY($2))`},
	{"audit_log", `UPDATE audit_log SET detail = '{}', target = CASE WHEN split_part(target, ':', 2) = ANY($2) THEN '' ELSE target END
		WHERE account_id = $1 AND (split_part(target, ':', 2) = ANY($2)
		OR EXISTS (SELECT 1 FROM unnest($2::text[]) v WHERE strpos(detail::text, v) > 0))`},
	{"windows", `DELETE FROM windows w USING channels c WHERE c.id = w.channel_id AND c.account_id = $1 AND w.phone = ANY($2)`},
	{"portfolio_users", `DELETE FROM portfolio_users WHERE account_id = $1 AND person = ANY($2)`},
	{"opt_ins", `DELETE FROM opt_ins WHERE account_id = $1 AND value = ANY($2)`},
	{"suppressions", `DELETE FROM suppressions WHERE account_id = $1 AND phone = ANY($2)`},
	{"identities", `DELETE FROM identities WHERE account_id = $1 AND value = ANY($2)`},
}

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
