package account

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Contact is a person of the account's address book.
type Contact struct {
	ID        int64           `db:"id"`
	Account   int64           `db:"account_id"`
	Phone     string          `db:"phone"` // E.164
	WaID      string          `db:"wa_id"`
	Name      string          `db:"name"`
	Fields    json.RawMessage `db:"fields"` // a JSON object
	Lists     pq.Int64Array   `db:"lists"`
	CreatedAt time.Time       `db:"created_at"`
	UpdatedAt time.Time       `db:"updated_at"`
}

const contactColumns = `c.id, c.account_id, c.phone, c.wa_id, c.name, c.fields, c.created_at, c.updated_at,
  ARRAY(SELECT m.list_id FROM list_members m WHERE m.contact_id = c.id ORDER BY 1) AS lists`

// ContactFilter narrows a list of contacts, which is in the order of their ids.
type ContactFilter struct {
	Search string // part of the name, or digits that the number begins with
	List   int64  // 0: all
	After  int64  // the last id of the page before
	Limit  int
}

// Contacts lists contacts of the account.
func (s *Store) Contacts(ctx context.Context, account int64, f ContactFilter) ([]Contact, error) {
	where := pg.NewWhere(1)
	where.Add(`c.account_id = ?`, account)
	where.Add(`c.id > ?`, f.After)
	if f.List != 0 {
		where.Add(`EXISTS (SELECT 1 FROM list_members m WHERE m.contact_id = c.id AND m.list_id = ?)`, f.List)
	}
	if f.Search != "" {
		if digits := searchedDigits(f.Search); digits != "" {
			where.Add(`c.phone LIKE ?`, "+"+digits+"%")
		} else {
			where.Add(`c.name ILIKE ?`, "%"+pg.LikeText(f.Search)+"%")
		}
	}
	out := []Contact{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+contactColumns+` FROM contacts c WHERE `+where.SQL()+` ORDER BY c.id LIMIT $1`, append([]any{f.Limit}, where.Args()...)...)
	return out, pg.Wrap("list contacts", err)
}

// searchedDigits gives the digits of what looks like the beginning of a number.
func searchedDigits(search string) string {
	var digits strings.Builder
	for _, r := range search {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case !strings.ContainsRune("+ -.()", r):
			return ""
		}
	}
	return digits.String()
}

// Contact reads one contact of the account.
func (s *Store) Contact(ctx context.Context, account, id int64) (Contact, error) {
	var c Contact
	err := s.db.GetContext(ctx, &c, s.db.ForUpdate(`SELECT `+contactColumns+` FROM contacts c WHERE c.account_id = $1 AND c.id = $2`, "c"), account, id)
	return c, pg.Wrap("read contact", err)
}

// CreateContact adds a contact, and to the lists of the account that it names.
// A list of somebody else is dispatch.ErrNotFound.
func (s *Store) CreateContact(ctx context.Context, c Contact) (Contact, error) {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := tx.GetContext(ctx, &c.ID, `INSERT INTO contacts (account_id, phone, name, fields) VALUES ($1, $2, $3, $4) RETURNING id`, c.Account, c.Phone, c.Name, string(c.Fields)); err != nil {
			return pg.Wrap("create contact", err)
		}
		for _, list := range c.Lists {
			r, err := tx.ExecContext(ctx, `INSERT INTO list_members (list_id, contact_id) SELECT l.id, $3 FROM lists l WHERE l.id = $2 AND l.account_id = $1 ON CONFLICT DO NOTHING`, c.Account, list, c.ID)
			if err != nil {
				return pg.Wrap("add contact to list", err)
			}
			if err := pg.Found(r); err != nil {
				return err
			}
		}
		return pg.Wrap("read contact", tx.GetContext(ctx, &c, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = $1`, c.ID))
	})
	return c, err
}

// UpdateContact writes number, name and fields of a contact.
func (s *Store) UpdateContact(ctx context.Context, c Contact) (Contact, error) {
	err := s.db.GetContext(ctx, &c, `UPDATE contacts c SET phone = $3, name = $4, fields = $5, wa_id = CASE WHEN phone = $3 THEN wa_id ELSE '' END, updated_at = now()
		WHERE c.account_id = $1 AND c.id = $2 RETURNING `+contactColumns, c.Account, c.ID, c.Phone, c.Name, string(c.Fields))
	return c, pg.Wrap("update contact", err)
}

// DeleteContact removes a contact and its list memberships.
func (s *Store) DeleteContact(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM contacts WHERE account_id = $1 AND id = $2`, account, id)
	if err != nil {
		return pg.Wrap("delete contact", err)
	}
	return pg.Found(r)
}
