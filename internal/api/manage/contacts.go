package manage

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// contactView is a contact as it is shown.
type contactView struct {
	ID        int64     `json:"id"`
	Phone     string    `json:"phone"`
	WaID      string    `json:"wa_id,omitempty" doc:"The provider's own id of the number."`
	Name      string    `json:"name"`
	Fields    object    `json:"fields"`
	Lists     []int64   `json:"list_ids"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (c *contactView) location() string { return "/v1/contacts/" + strconv.FormatInt(c.ID, 10) }

func viewContact(c *account.Contact) *contactView {
	v := &contactView{ID: c.ID, Phone: c.Phone, WaID: c.WaID, Name: c.Name, Fields: object(c.Fields), Lists: c.Lists, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC()}
	if v.Lists == nil {
		v.Lists = []int64{}
	}
	return v
}

type contactList struct {
	Paging
	Search string `query:"search" maxLength:"200" doc:"Part of the name, or the first digits of the number."`
	List   int64  `query:"list" minimum:"1" doc:"The members of this list alone."`
}

// ContactFields are what may be said of a contact at any time.
type ContactFields struct {
	Phone  *string `json:"phone,omitempty" maxLength:"64" doc:"In international form; stored as E.164."`
	Name   *string `json:"name,omitempty" maxLength:"200"`
	Fields *object `json:"fields,omitempty" doc:"Anything, for personalisation; replaces what was there."`
}

type contactCreate struct{ Body contactCreateBody }

type contactCreateBody struct {
	ContactFields
	Lists []int64 `json:"list_ids,omitempty" maxItems:"100" doc:"Lists to put the contact into."`
}

type contactUpdate struct {
	IDPath
	Body ContactFields
}

func (m *manager) contacts() {
	s := m.s
	const tag = "Contacts"
	handle(m, route{method: http.MethodGet, path: "/v1/contacts", permissions: forMessages, tag: tag, summary: "List contacts"}, s.listContacts)
	handle(m, route{method: http.MethodPost, path: "/v1/contacts", permissions: forManage, tag: tag, summary: "Make a contact", status: http.StatusCreated}, s.createContact)
	handle(m, route{method: http.MethodGet, path: "/v1/contacts/{id}", permissions: forMessages, tag: tag, summary: "Show a contact"}, s.getContact)
	handle(m, route{method: http.MethodPatch, path: "/v1/contacts/{id}", permissions: forManage, tag: tag, summary: "Change a contact"}, s.updateContact)
	remove(m, route{path: "/v1/contacts/{id}", permissions: forManage, tag: tag, summary: "Delete a contact", text: "Messages and suppressions of the number stay."}, s.deleteContact)
}

func (s *server) listContacts(ctx context.Context, who *accept.Caller, in *contactList) (middleware.List[*contactView], error) {
	after, err := in.afterID()
	if err != nil {
		return middleware.List[*contactView]{}, err
	}
	cs, err := s.Accounts.Contacts(ctx, who.Account.ID, account.ContactFilter{Search: in.Search, List: in.List, After: after, Limit: in.Limit + 1})
	if err != nil {
		return middleware.List[*contactView]{}, err
	}
	views := make([]*contactView, len(cs))
	for i := range cs {
		views[i] = viewContact(&cs[i])
	}
	return pageOf(views, in.Limit, func(c **contactView) string { return strconv.FormatInt((*c).ID, 10) }), nil
}

func (s *server) getContact(ctx context.Context, who *accept.Caller, in *IDPath) (*contactView, error) {
	c, err := s.Accounts.Contact(ctx, who.Account.ID, in.ID)
	return viewContact(&c), err
}

// apply puts what was said into c.
func (b *ContactFields) apply(c *account.Contact, f *dispatch.Faults) {
	if b.Phone != nil {
		c.Phone = phone(f, "/phone", *b.Phone)
	}
	set(&c.Name, b.Name)
	if b.Fields != nil {
		c.Fields = json.RawMessage(*b.Fields)
	}
}

func (s *server) createContact(ctx context.Context, who *accept.Caller, in *contactCreate) (*contactView, error) {
	c := account.Contact{Account: who.Account.ID, Fields: json.RawMessage("{}"), Lists: in.Body.Lists}
	var f dispatch.Faults
	if in.Body.Phone == nil {
		f.Add("/phone", "is required")
	}
	in.Body.apply(&c, &f)
	for i, id := range c.Lists {
		if _, err := s.Accounts.ListInfo(ctx, c.Account, id); dispatch.CodeOf(err) == dispatch.NotFound && err != nil {
			f.Add("/list_ids/"+strconv.Itoa(i), "no such list")
		} else if err != nil {
			return nil, err
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		c, err = st.CreateContact(ctx, c)
		return account.Note{Action: "contact.create", Target: target("contact", c.ID)}, conflictSays(err, "a contact with this number exists already")
	})
	return viewContact(&c), err
}

func (s *server) updateContact(ctx context.Context, who *accept.Caller, in *contactUpdate) (*contactView, error) {
	var c account.Contact
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if c, err = st.Contact(ctx, who.Account.ID, in.ID); err != nil {
			return n, err
		}
		var f dispatch.Faults
		in.Body.apply(&c, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		c, err = st.UpdateContact(ctx, c)
		return account.Note{Action: "contact.update", Target: target("contact", c.ID)}, conflictSays(err, "another contact has this number")
	})
	return viewContact(&c), err
}

func (s *server) deleteContact(ctx context.Context, who *accept.Caller, in *IDPath) error {
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "contact.delete", Target: target("contact", in.ID)}, st.DeleteContact(ctx, who.Account.ID, in.ID)
	})
}
