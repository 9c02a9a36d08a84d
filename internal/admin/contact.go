package admin

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/zone"
)

// ContactFilter selects contacts.
type ContactFilter struct {
	Paging

	Search string `query:"search" maxLength:"200" doc:"Part of the name, of a field or of a user id, or the first digits of the number."`
	Field  string `query:"field" maxLength:"500" doc:"Only contacts with this text in a field, as name:value."`
	List   int64  `query:"list" minimum:"1" doc:"Only the members of this list."`
}

// ContactUpdate is the input of UpdateContact. Fields that are nil stay as they
// are.
type ContactUpdate struct {
	Phone    *string       `json:"phone,omitempty" minLength:"1" maxLength:"64" doc:"In international form; stored as E.164."`
	WaID     *string       `json:"wa_id,omitempty" pattern:"^([0-9]{5,20})?$" rule:"5 to 20 digits" doc:"The provider's own id of the number."`
	UserID   *string       `json:"user_id,omitempty" maxLength:"131" doc:"The business-scoped user id, such as DE.2000."`
	Name     *string       `json:"name,omitempty" maxLength:"200"`
	TimeZone *string       `json:"time_zone,omitempty" maxLength:"64" doc:"Of the IANA database, such as Europe/Berlin; empty: not known."`
	Fields   *input.Object `json:"fields,omitempty" doc:"Any object, for personalisation. Replaces the previous one."`
	Lists    *[]int64      `json:"lists,omitempty" maxItems:"100" doc:"The lists that have the contact as a member."`
}

// ContactCreate is the input of CreateContact: at least one of phone, wa_id and
// user_id.
type ContactCreate struct {
	ContactUpdate

	ListIDs []int64 `json:"list_ids,omitempty" maxItems:"100" doc:"Older name of lists."`
}

// Contact is a person in the account's address book.
type Contact struct {
	ID        int64        `json:"id"`
	Phone     *string      `json:"phone" doc:"In E.164; null if it is not known."`
	WaID      string       `json:"wa_id,omitempty" doc:"The provider's own id of the number."`
	UserID    string       `json:"user_id,omitempty" doc:"The business-scoped user id."`
	Name      string       `json:"name"`
	TimeZone  string       `json:"time_zone,omitempty"`
	Fields    input.Object `json:"fields"`
	Lists     []int64      `json:"lists"`
	ListIDs   []int64      `json:"list_ids" doc:"Older name of lists."`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// Location returns the path of the contact in the API.
func (c *Contact) Location() string { return "/v1/contacts/" + strconv.FormatInt(c.ID, 10) }

func viewContact(c *account.Contact) *Contact {
	v := &Contact{
		ID: c.ID, WaID: c.WaID, UserID: c.UserID, Name: c.Name, TimeZone: c.TimeZone, Fields: input.Object(c.Fields),
		Lists: append([]int64{}, c.Lists...), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
	if c.Phone != "" {
		v.Phone = &c.Phone
	}
	v.ListIDs = v.Lists
	return v
}

// Contacts lists contacts by id.
func (s *Service) Contacts(ctx context.Context, who Actor, in ContactFilter) (Page[*Contact], error) {
	after, err := in.afterID()
	if err != nil {
		return Page[*Contact]{}, err
	}
	f := account.ContactFilter{Search: in.Search, List: in.List, After: after, Limit: in.most()}
	if in.Field != "" {
		ok := false
		if f.Field, f.Value, ok = strings.Cut(in.Field, ":"); !ok || f.Field == "" {
			return Page[*Contact]{}, dispatch.InvalidField("/field", "must be name:value")
		}
	}
	cs, next, err := s.Store.Contacts(ctx, who.Account, f)
	if err != nil {
		return Page[*Contact]{}, err
	}
	return PageUpTo(cs, next, viewContact), nil
}

// Contact returns a contact.
func (s *Service) Contact(ctx context.Context, who Actor, id int64) (*Contact, error) {
	c, err := s.Store.Contact(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewContact(&c), nil
}

// resolve makes a phone that is no number but another id of somebody known, as our
// records of inbound messages show it, that id.
func (in *ContactUpdate) resolve(ctx context.Context, who Actor, known KnownIDs) error {
	if in.Phone == nil || *in.Phone == "" {
		return nil
	}
	id, err := person.Recipient(*in.Phone, who.Region, func(id string) (bool, error) { return known.KnownID(ctx, who.Account, id) })
	if dispatch.CodeOf(err) == dispatch.Invalid {
		return nil // apply reports it
	}
	if err != nil {
		return err
	}
	switch p := PersonOf(id); {
	case p.WaID != "" && in.WaID == nil:
		in.Phone, in.WaID = nil, &p.WaID
	case p.UserID != "" && in.UserID == nil:
		in.Phone, in.UserID = nil, &p.UserID
	}
	return nil
}

// apply changes c and reports what is invalid.
func (in *ContactUpdate) apply(who Actor, c *account.Contact, f *dispatch.Faults) {
	if in.Phone != nil && *in.Phone != "" {
		number := who.parsePhone(f, "/phone", *in.Phone)
		if number != c.Phone {
			c.WaID = "" // of the number before
		}
		c.Phone = number
	}
	set(&c.WaID, in.WaID)
	set(&c.UserID, in.UserID)
	if c.UserID != "" && !person.IsUserID(c.UserID) {
		f.Add("/user_id", "must be a business-scoped user id, such as DE.2000")
	}
	set(&c.Name, in.Name)
	set(&c.TimeZone, in.TimeZone)
	timeZone(f, &c.TimeZone)
	if in.Fields != nil {
		c.Fields = json.RawMessage(*in.Fields)
	}
	if in.Lists != nil {
		c.Lists = *in.Lists
	}
	if c.Phone == "" && c.WaID == "" && c.UserID == "" && (in.Phone == nil || *in.Phone == "") {
		f.AddWith(otherIDs, "/phone", "one of phone, wa_id and user_id is required")
	}
}

// timeZone sets a zone to today's name of it and reports one that is none.
func timeZone(f *dispatch.Faults, name *string) {
	if *name == "" {
		return
	}
	canonical, err := zone.Canonical(*name)
	if err != nil {
		f.Add("/time_zone", "is not a time zone of the IANA database, such as Europe/Berlin")
	}
	*name = canonical
}

// CreateContact creates a contact and adds it to lists.
func (s *Service) CreateContact(ctx context.Context, who Actor, in ContactCreate) (*Contact, error) {
	c := account.Contact{Account: who.Account, Fields: json.RawMessage("{}"), Lists: in.ListIDs}
	f := input.Check(&in)
	if err := in.resolve(ctx, who, s.Store); err != nil {
		return nil, err
	}
	in.apply(who, &c, &f)
	if err := s.checkLists(ctx, who, "/list_ids/", in.ListIDs, &f); err != nil {
		return nil, err
	}
	if in.Lists != nil {
		if err := s.checkLists(ctx, who, "/lists/", *in.Lists, &f); err != nil {
			return nil, err
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		c, err = tx.CreateContact(ctx, c)
		return note{action: "contact.create", target: target("contact", c.ID)}, contactTaken(err)
	})
	if err != nil {
		return nil, err
	}
	return viewContact(&c), nil
}

// contactTaken words a conflict between contacts.
func contactTaken(err error) error {
	if e, ok := errors.AsType[*dispatch.Error](err); ok {
		switch e.Reason {
		case "contacts_wa_id":
			return taken(err, "another contact has this wa_id")
		case "contacts_user_id":
			return taken(err, "another contact has this user_id")
		}
	}
	return taken(err, "a contact with this number exists already")
}

// checkLists reports the lists that the account does not have.
func (s *Service) checkLists(ctx context.Context, who Actor, at string, ids []int64, f *dispatch.Faults) error {
	for i, id := range ids {
		_, err := s.Store.ListInfo(ctx, who.Account, id)
		switch {
		case err == nil:
		case dispatch.CodeOf(err) == dispatch.NotFound:
			f.Add(at+strconv.Itoa(i), "no such list")
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
	if err := in.resolve(ctx, who, s.Store); err != nil {
		return nil, err
	}
	if in.Lists != nil {
		if err := s.checkLists(ctx, who, "/lists/", *in.Lists, &f); err != nil {
			return nil, err
		}
	}
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if c, err = tx.Contact(ctx, who.Account, id); err != nil {
			return n, err
		}
		in.apply(who, &c, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		c, err = tx.UpdateContact(ctx, c)
		return note{action: "contact.update", target: target("contact", c.ID)}, contactTaken(err)
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
