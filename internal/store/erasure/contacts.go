package erasure

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// blankContacts removes the person from the recipients that stand in campaigns
// themselves. Each keeps its place, without anybody to send to.
func blankContacts(ctx context.Context, tx *pg.DB, e *Erasure, removed map[string]int64) error {
	var ids []int64
	err := tx.SelectContext(ctx, &ids, `SELECT id FROM campaigns WHERE account_id = $1 AND contacts LIKE '[{%' ORDER BY id`, e.Account)
	if err != nil {
		return pg.Wrap("look for campaigns", err)
	}
	for _, id := range ids {
		var raw string
		if err := tx.GetContext(ctx, &raw, `SELECT contacts FROM campaigns WHERE id = $1 FOR NO KEY UPDATE`, id); err != nil {
			return pg.Wrap("read contacts of campaign", err)
		}
		var contacts []json.RawMessage
		if err := json.Unmarshal([]byte(raw), &contacts); err != nil {
			continue // not ours
		}
		n := blankAll(contacts, e.IDs)
		if n == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE campaigns SET contacts = $2 WHERE id = $1`, id, pg.JSON(contacts)); err != nil {
			return pg.Wrap("erase contacts of campaign", err)
		}
		removed["campaigns"] += int64(n)
	}
	return nil
}

// blankAll blanks the contacts of a person and returns how many there were.
func blankAll(contacts []json.RawMessage, ids []string) (n int) {
	for i, raw := range contacts {
		var c struct {
			To string `json:"to"`
		}
		if json.Unmarshal(raw, &c) != nil {
			continue
		}
		to := c.To
		if e164, err := phone.Parse(to); err == nil {
			to = e164
		}
		if slices.Contains(ids, to) || slices.Contains(ids, "+"+to) {
			contacts[i], n = json.RawMessage(`{"to":"erased"}`), n+1
		}
	}
	return n
}
