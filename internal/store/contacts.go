package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const sqlSaveContact = `
WITH c AS (
  INSERT INTO contacts (account_id, phone, name, fields) VALUES ($1, $2, $3, coalesce($4::jsonb, '{}'))
  ON CONFLICT (account_id, phone) DO UPDATE SET name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE contacts.name END,
    fields = contacts.fields || excluded.fields, updated_at = now()
  RETURNING id)
INSERT INTO list_members (list_id, contact_id) SELECT l.id, c.id FROM c JOIN lists l ON l.id = $5 AND l.account_id = $1 ON CONFLICT DO NOTHING`

// saveContacts creates or updates the recipients that asked for it, in the
// accept transaction; list 0 is "all contacts".
func saveContacts(ctx context.Context, tx *pg.DB, page []*Accept, out map[dispatch.ID]dispatch.Receipt) error {
	page = slices.Clone(page)
	// One order for everybody: two pages with the same contacts must not deadlock.
	slices.SortStableFunc(page, func(a, b *Accept) int { return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.To, b.To)) })
	for _, a := range page {
		if a.Contact == nil || out[a.ID].Err != nil || out[a.ID].Replayed {
			continue
		}
		if _, err := tx.ExecContext(ctx, sqlSaveContact, a.Account, a.To, pg.Storable(a.Contact.Name), pg.Nullable(string(a.Contact.Fields)), a.Contact.ListID); err != nil {
			return pg.Wrap("save contact", err)
		}
	}
	return nil
}

// reserveParents locks the parents of fallback children, in id order: a parent
// gets one child, and only while it has failed or expired (or, where the child
// was asked for when no delivery comes in time, is not delivered). tieParents
// names the child once it is accepted: one that is refused must leave its place
// to the next entry.
func reserveParents(ctx context.Context, tx *pg.DB, page []*Accept, out map[dispatch.ID]dispatch.Receipt) ([]*Accept, error) {
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
	if err := tx.SelectContext(ctx, &free, `SELECT id FROM messages WHERE id = ANY($1::uuid[]) AND child_id IS NULL AND status IN (30, 60, 61) ORDER BY id FOR UPDATE`, pq.Array(parents)); err != nil {
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
func tieParents(ctx context.Context, tx *pg.DB, page []*Accept, out map[dispatch.ID]dispatch.Receipt) error {
	for _, a := range page {
		if a.Parent == dispatch.NoID || out[a.ID].Err != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET child_id = $2, version = version + 1, updated_at = now() WHERE id = $1`, a.Parent.String(), a.ID.String()); err != nil {
			return pg.Wrap("tie fallback to its parent", err)
		}
	}
	return nil
}
