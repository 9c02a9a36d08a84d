package account

import (
	"context"
	"strconv"
	"time"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// ListInfo is a contact list and how many it holds.
type ListInfo struct {
	ID        int64     `db:"id" json:"id"`
	Name      string    `db:"name" json:"name"`
	TimeZone  string    `db:"time_zone" json:"time_zone"` // of contacts without one of their own; "": not known
	Members   int64     `db:"members" json:"members"`     // MaxMembers + 1 if it holds more than MaxMembers
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

// MaxMembers is how far the members of a list are counted.
const MaxMembers = 100_000

// listColumns counts by the index of members, which holds each list's together (pg.Where.After).
var listColumns = `l.id, l.name, l.time_zone, l.created_at, (SELECT count(*) FROM (SELECT 1 FROM list_contacts m
  WHERE (m.list_id, m.contact_id) > (l.id, 0) AND m.list_id <= l.id ORDER BY m.list_id, m.contact_id
  LIMIT ` + strconv.Itoa(MaxMembers+1) + `) x) AS members`

// ListInfos returns the contact lists of an account after the id, counted.
func (s *Store) ListInfos(ctx context.Context, account, after int64, limit int) ([]ListInfo, error) {
	out := []ListInfo{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+listColumns+` FROM lists l WHERE l.account_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3`,
		account, after, limit)
	return out, pg.Wrap("list lists", err)
}

// ListInfo reads one list of the account.
func (s *Store) ListInfo(ctx context.Context, account, id int64) (ListInfo, error) {
	var l ListInfo
	err := s.db.GetContext(ctx, &l, `SELECT `+listColumns+` FROM lists l WHERE l.account_id = $1 AND l.id = $2`, account, id)
	return l, pg.Wrap("read list", err)
}

// UpdateList writes name and time zone of a list.
func (s *Store) UpdateList(ctx context.Context, account int64, l ListInfo) (ListInfo, error) {
	err := s.db.GetContext(ctx, &l, `UPDATE lists l SET name = $3, time_zone = $4 WHERE l.account_id = $1 AND l.id = $2
	  RETURNING `+listColumns,
		account, l.ID, l.Name, l.TimeZone)
	return l, pg.Wrap("update list", err)
}

// DeleteList removes a list; its contacts stay.
func (s *Store) DeleteList(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM lists WHERE account_id = $1 AND id = $2`, account, id)
	if err != nil {
		return pg.Wrap("delete list", err)
	}
	return pg.Found(r)
}

// AddMembers puts contacts of the account into one of its lists and returns which
// of the ids are no contacts of the account: with any of these nothing is added.
func (s *Store) AddMembers(ctx context.Context, account, list int64, contacts []int64) (unknown []int64, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		var id int64
		if err := tx.GetContext(ctx, &id, `SELECT id FROM lists WHERE account_id = $1 AND id = $2 FOR SHARE`, account, list); err != nil {
			return pg.Wrap("read list", err)
		}
		if err := tx.SelectContext(ctx, &unknown, `SELECT x.id FROM unnest($2::bigint[]) AS x(id)
			WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = x.id AND c.account_id = $1)`, account, pq.Array(contacts)); err != nil {
			return pg.Wrap("look for contacts", err)
		}
		if len(unknown) > 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO list_contacts (list_id, contact_id) SELECT $1, x.id FROM unnest($2::bigint[]) AS x(id)
			ORDER BY 2 ON CONFLICT DO NOTHING`, list, pq.Array(contacts))
		return pg.Wrap("add members", err)
	})
	return unknown, err
}

// RemoveMember removes a contact from a list of the account.
func (s *Store) RemoveMember(ctx context.Context, account, list, contact int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM list_contacts m USING lists l
		WHERE l.id = m.list_id AND l.account_id = $1 AND m.list_id = $2 AND m.contact_id = $3`, account, list, contact)
	if err != nil {
		return pg.Wrap("remove member", err)
	}
	return pg.Found(r)
}

// List is a contact list.
type List struct {
	ID        int64     `db:"id" json:"id"`
	Name      string    `db:"name" json:"name"`
	TimeZone  string    `db:"time_zone" json:"time_zone"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

// CreateList creates a contact list.
func (s *Store) CreateList(ctx context.Context, account int64, name, timeZone string) (List, error) {
	var l List
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &l, `INSERT INTO lists (account_id, name, time_zone) VALUES ($1, $2, $3)
		  RETURNING id, name, time_zone, created_at`,
			account, name, timeZone)
	})
	return l, pg.Wrap("create list", err)
}

// Lists returns the contact lists of an account.
func (s *Store) Lists(ctx context.Context, account int64) ([]List, error) {
	out := []List{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, name, time_zone, created_at FROM lists WHERE account_id = $1 ORDER BY id`, account)
	return out, pg.Wrap("list lists", err)
}

// HasList reports whether the account has a contact list.
func (s *Store) HasList(ctx context.Context, account, list int64) (bool, error) {
	var ok bool
	err := s.db.GetContext(ctx, &ok, `SELECT EXISTS (SELECT 1 FROM lists WHERE id = $1 AND account_id = $2)`, list, account)
	return ok, pg.Wrap("find list", err)
}
