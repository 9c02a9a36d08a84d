package admin

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// ContactFilter selects contacts.
type ContactFilter struct {
	Paging

	Search string `query:"search" maxLength:"200" doc:"Part of the name, or the first digits of the number."`
	List   int64  `query:"list" minimum:"1" doc:"Only the members of this list."`
}

// ContactUpdate is the input of UpdateContact. Fields that are nil stay as they
// are.
type ContactUpdate struct {
	Phone  *string       `json:"phone,omitempty" minLength:"1" maxLength:"64" doc:"In international form; stored as E.164."`
	Name   *string       `json:"name,omitempty" maxLength:"200"`
	Fields *input.Object `json:"fields,omitempty" doc:"Any object, for personalisation. Replaces the previous one."`
}

// ContactCreate is the input of CreateContact.
type ContactCreate struct {
	ContactUpdate

	Lists []int64 `json:"list_ids,omitempty" maxItems:"100" doc:"The lists to add the contact to."`
}

// Required lists the required fields.
func (*ContactCreate) Required() []string { return []string{"phone"} }

// Contact is a person in the account's address book.
type Contact struct {
	ID        int64        `json:"id"`
	Phone     string       `json:"phone"`
	WaID      string       `json:"wa_id,omitempty" doc:"The provider's own id of the number."`
	Name      string       `json:"name"`
	Fields    input.Object `json:"fields"`
	Lists     []int64      `json:"list_ids"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// Location returns the path of the contact in the API.
func (c *Contact) Location() string { return "/v1/contacts/" + strconv.FormatInt(c.ID, 10) }

func viewContact(c *account.Contact) *Contact {
	v := &Contact{
		ID: c.ID, Phone: c.Phone, WaID: c.WaID, Name: c.Name, Fields: input.Object(c.Fields), Lists: c.Lists,
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
	if v.Lists == nil {
		v.Lists = []int64{}
	}
	return v
}

// Contacts lists contacts by id.
func (s *Service) Contacts(ctx context.Context, who Actor, in ContactFilter) (Page[*Contact], error) {
	after, err := in.afterID()
	if err != nil {
		return Page[*Contact]{}, err
	}
	cs, err := s.Store.Contacts(ctx, who.Account, account.ContactFilter{Search: in.Search, List: in.List, After: after, Limit: in.rows()})
	if err != nil {
		return Page[*Contact]{}, err
	}
	return pageOf(&in.Paging, cs, viewContact, func(c *account.Contact) string { return idCursor(c.ID) }), nil
}

// Contact returns a contact.
func (s *Service) Contact(ctx context.Context, who Actor, id int64) (*Contact, error) {
	c, err := s.Store.Contact(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewContact(&c), nil
}

// apply changes c and reports an invalid number.
func (in *ContactUpdate) apply(c *account.Contact, f *dispatch.Faults) {
	if in.Phone != nil && *in.Phone != "" {
		c.Phone = parsePhone(f, "/phone", *in.Phone)
	}
	set(&c.Name, in.Name)
	if in.Fields != nil {
		c.Fields = json.RawMessage(*in.Fields)
	}
}

// CreateContact creates a contact and adds it to lists.
func (s *Service) CreateContact(ctx context.Context, who Actor, in ContactCreate) (*Contact, error) {
	c := account.Contact{Account: who.Account, Fields: json.RawMessage("{}"), Lists: in.Lists}
	f := input.Check(&in)
	in.apply(&c, &f)
	if err := s.checkLists(ctx, who, in.Lists, &f); err != nil {
		return nil, err
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		c, err = tx.CreateContact(ctx, c)
		return note{action: "contact.create", target: target("contact", c.ID)}, taken(err, "a contact with this number exists already")
	})
	if err != nil {
		return nil, err
	}
	return viewContact(&c), nil
}

// checkLists reports the lists that the account does not have.
func (s *Service) checkLists(ctx context.Context, who Actor, ids []int64, f *dispatch.Faults) error {
	for i, id := range ids {
		_, err := s.Store.ListInfo(ctx, who.Account, id)
		switch {
		case err == nil:
		case dispatch.CodeOf(err) == dispatch.NotFound:
			f.Add("/list_ids/"+strconv.Itoa(i), "no such list")
		default:
			return err
		}
	}
	return nil
}

// UpdateContact changes a contact.
func (s *Service) UpdateContact(ctx context.Context, who Actor, id int64, in ContactUpdate) (*Contact, error) {
	var c account.Contact
	f := input.Check(&in)
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if c, err = tx.Contact(ctx, who.Account, id); err != nil {
			return n, err
		}
		in.apply(&c, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		c, err = tx.UpdateContact(ctx, c)
		return note{action: "contact.update", target: target("contact", c.ID)}, taken(err, "another contact has this number")
	})
	if err != nil {
		return nil, err
	}
	return viewContact(&c), nil
}

// DeleteContact deletes a contact. Messages and suppressions of the number stay.
func (s *Service) DeleteContact(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (note, error) {
		return note{action: "contact.delete", target: target("contact", id)}, tx.DeleteContact(ctx, who.Account, id)
	})
}
