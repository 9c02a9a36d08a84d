package account

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Contact is a person of the account's address book.
type Contact struct {
	ID        int64           `db:"id"`
	Account   int64           `db:"account_id"`
	Phone     string          `db:"phone"` // E.164; "": not known
	WaID      string          `db:"wa_id"` // digits
	UserID    string          `db:"user_id"`
	Name      string          `db:"name"`
	TimeZone  string          `db:"time_zone"` // IANA; "": not known
	Fields    json.RawMessage `db:"fields"`    // a JSON object
	Lists     pq.Int64Array   `db:"lists"`
	CreatedAt time.Time       `db:"created_at"`
	UpdatedAt time.Time       `db:"updated_at"`
}

const contactColumns = `c.id, c.account_id, coalesce(c.phone, '') AS phone, c.wa_id, c.user_id, c.name, c.time_zone, c.fields,
  c.created_at, c.updated_at, ARRAY(SELECT m.list_id FROM list_contacts m WHERE m.contact_id = c.id ORDER BY 1) AS lists`

// ContactFilter narrows a list of contacts, which is in the order of their ids.
type ContactFilter struct {
	Search string // part of the name, of a field or of a user id, or digits that the number begins with
	Field  string // name of a field that has exactly the text Value; "": all
	Value  string
	List   int64 // 0: all
	After  int64 // the last id of the previous page
	Limit  int
}

// walk returns where the contacts are looked for: those of a list by its members,
// which may be a small part of the account.
func (f *ContactFilter) walk(account int64) *pg.Walk {
	w := &pg.Walk{From: `contacts c`, Key: `c.id`, Range: pg.NewWhere(0), Limit: f.Limit}
	if f.List == 0 {
		w.Order = w.Range.After(`c.account_id`, `c.id`, account, f.After)
	} else {
		w.From, w.Key = `list_contacts m`, `m.contact_id`
		w.Order = w.Range.After(`m.list_id`, `m.contact_id`, f.List, f.After)
		w.Range.Add(`EXISTS (SELECT 1 FROM lists l WHERE l.id = ? AND l.account_id = ?)`, f.List, account)
	}
	w.Fits = pg.NewWhere(len(w.Range.Args()))
	f.narrow(w.Fits)
	if f.Search != "" {
		w.Max = pg.WalkMax / 2 // every field of every row
	}
	if f.List != 0 && !w.Fits.Empty() { // probed one by one: a join might sort the whole list
		w.Fits = w.Fits.Within(`EXISTS (SELECT 1 FROM contacts c WHERE c.id = m.contact_id AND `, ` OFFSET 0)`)
	}
	return w
}

func (f *ContactFilter) narrow(where *pg.Where) {
	if f.Field != "" {
		where.Add(`c.fields ->> ? = ?`, f.Field, f.Value)
	}
	if f.Search != "" {
		part := "%" + pg.LikeText(f.Search) + "%"
		cond := `(c.name ILIKE ? OR c.user_id ILIKE ? OR EXISTS (SELECT 1 FROM jsonb_each_text(c.fields) f WHERE f.value ILIKE ?)`
		args := []any{part, part, part}
		if digits := searchedDigits(f.Search); digits != "" {
			cond, args = cond+` OR c.phone LIKE ? OR c.wa_id LIKE ?`, append(args, "%"+digits+"%", "%"+digits+"%")
		}
		where.Add(cond+`)`, args...)
	}
}

// Contacts lists contacts of the account. A page may be short (pg.WalkMax); next is the
// id after which the next one begins, 0 if there is none.
func (s *Store) Contacts(ctx context.Context, account int64, f ContactFilter) (page []Contact, next int64, err error) {
	ids, err := s.named(ctx, account, &f)
	if err == nil && len(ids) == 0 {
		ids, next, err = f.walk(account).IDs(ctx, s.db)
	}
	if err != nil {
		return nil, 0, pg.Wrap("look for contacts", err)
	}
	page = []Contact{}
	err = s.db.SelectContext(ctx, &page, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = ANY($1) AND c.account_id = $2 ORDER BY c.id`,
		ids, account)
	return page, next, pg.Wrap("list contacts", err)
}

// shortestNumber is the length of the shortest number that is looked for as a whole.
const shortestNumber = 7

// sqlNamed finds the contacts whose ids a searched text is, each by its index.
const sqlNamed = `
SELECT id FROM contacts WHERE account_id = $1 AND phone = '+' || $2
UNION SELECT id FROM contacts WHERE account_id = $1 AND wa_id = $2 AND wa_id <> ''
UNION SELECT id FROM contacts WHERE account_id = $1 AND user_id = $3 AND user_id <> ''
LIMIT 10`

// named returns the contacts that a searched text names by one of their ids. Only a
// search without other conditions looks for them.
func (s *Store) named(ctx context.Context, account int64, f *ContactFilter) (ids pq.Int64Array, err error) {
	digits := searchedDigits(f.Search)
	if f.List != 0 || f.Field != "" || len(digits) < shortestNumber && !person.IsUserID(f.Search) {
		return nil, nil
	}
	return ids, s.db.SelectContext(ctx, &ids, sqlNamed, account, digits, f.Search)
}

// searchedDigits returns the digits of what looks like a number or a part of one,
// without the prefix 00 or 0.
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
	return strings.TrimLeft(digits.String(), "0")
}

// Contact reads one contact of the account.
func (s *Store) Contact(ctx context.Context, account, id int64) (Contact, error) {
	var c Contact
	err := s.db.GetContext(ctx, &c, s.db.ForUpdate(`SELECT `+contactColumns+` FROM contacts c
	  WHERE c.account_id = $1 AND c.id = $2`, "c"), account, id)
	return c, pg.Wrap("read contact", err)
}

// CreateContact adds a contact, and to the lists of the account that it names.
// Returns dispatch.ErrNotFound for a list of another account, dispatch.Conflict
// if another contact has one of the ids.
func (s *Store) CreateContact(ctx context.Context, c Contact) (Contact, error) {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := reserveWaID(ctx, tx, &c); err != nil {
			return err
		}
		err := tx.GetContext(ctx, &c.ID, `INSERT INTO contacts (account_id, phone, wa_id, user_id, name, time_zone, fields)
			VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7) RETURNING id`,
			c.Account, c.Phone, c.WaID, c.UserID, c.Name, c.TimeZone, string(c.Fields))
		if err != nil {
			return pg.Wrap("create contact", err)
		}
		if err := setLists(ctx, tx, &c); err != nil {
			return err
		}
		return pg.Wrap("read contact", tx.GetContext(ctx, &c, `SELECT `+contactColumns+` FROM contacts c WHERE c.id = $1`, c.ID))
	})
	return c, err
}

// reserveWaID returns dispatch.Conflict if another contact has c's wa_id. Until
// the transaction ends, no other one reserves a name in the account: no index makes
// wa_ids unique.
func reserveWaID(ctx context.Context, tx *pg.DB, c *Contact) error {
	if c.WaID == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('contacts', $1))`, c.Account); err != nil {
		return pg.Wrap("lock the account's contacts", err)
	}
	var other bool
	err := tx.GetContext(ctx, &other, `SELECT EXISTS (SELECT 1 FROM contacts
	  WHERE account_id = $1 AND wa_id = $2 AND id <> $3)`, c.Account, c.WaID, c.ID)
	if err == nil && other {
		return &dispatch.Error{Code: dispatch.Conflict, Msg: "already exists", Reason: "contacts_wa_id", Err: errWaID}
	}
	return pg.Wrap("look for the wa_id", err)
}

var errWaID = errors.New("another contact has the wa_id")

// setLists makes c a member of c.Lists and of no other list.
func setLists(ctx context.Context, tx *pg.DB, c *Contact) error {
	var known int
	if err := tx.GetContext(ctx, &known, `SELECT count(*) FROM lists WHERE account_id = $1 AND id = ANY($2)`, c.Account, c.Lists); err != nil {
		return pg.Wrap("read lists", err)
	}
	slices.Sort(c.Lists)
	if c.Lists = slices.Compact(c.Lists); known < len(c.Lists) {
		return dispatch.ErrNotFound
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM list_contacts WHERE contact_id = $1 AND NOT list_id = ANY($2)`, c.ID, c.Lists); err != nil {
		return pg.Wrap("remove contact from lists", err)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO list_contacts (list_id, contact_id) SELECT x, $1 FROM unnest($2::bigint[]) x
		ORDER BY x ON CONFLICT DO NOTHING`, c.ID, c.Lists)
	return pg.Wrap("add contact to lists", err)
}

// UpdateContact writes all of a contact. Returns dispatch.Conflict if another
// contact has one of the ids.
func (s *Store) UpdateContact(ctx context.Context, c Contact) (Contact, error) {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := reserveWaID(ctx, tx, &c); err != nil {
			return err
		}
		if err := setLists(ctx, tx, &c); err != nil {
			return err
		}
		return pg.Wrap("update contact", tx.GetContext(ctx, &c, `UPDATE contacts c
		  SET phone = nullif($3, ''), wa_id = $4, user_id = $5, name = $6,
			time_zone = $7, fields = $8, updated_at = clock_timestamp() WHERE c.account_id = $1 AND c.id = $2 RETURNING `+contactColumns,
			c.Account, c.ID, c.Phone, c.WaID, c.UserID, c.Name, c.TimeZone, string(c.Fields)))
	})
	return c, err
}

// DeleteContact removes a contact and its list memberships.
func (s *Store) DeleteContact(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `DELETE FROM contacts WHERE account_id = $1 AND id = $2`, account, id)
	if err != nil {
		return pg.Wrap("delete contact", err)
	}
	return pg.Found(r)
}
