package admin

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// ListUpdate is the input of UpdateList. Fields that are nil stay as they are.
type ListUpdate struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	TimeZone *string `json:"time_zone,omitempty" maxLength:"64" doc:"Of contacts that have none of their own; empty: not known."`
}

// ListCreate is the input of CreateList.
type ListCreate struct{ ListUpdate }

// Required lists the required fields.
func (*ListCreate) Required() []string { return []string{"name"} }

// Members is the input of AddMembers.
type Members struct {
	Contacts []int64 `json:"contact_ids" minItems:"1" maxItems:"10000"`
}

// Required lists the required fields.
func (*Members) Required() []string { return []string{"contact_ids"} }

// List is a contact list.
type List struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	TimeZone  string    `json:"time_zone,omitempty" doc:"Of contacts that have none of their own."`
	Count     int64     `json:"count" doc:"The number of contacts in the list, counted up to 100,000."`
	CountMore bool      `json:"count_more,omitempty" doc:"The list holds more contacts than count says."`
	Members   int64     `json:"members" doc:"Older name of count."`
	CreatedAt time.Time `json:"created_at"`
}

// Location returns the path of the list in the API.
func (l *List) Location() string { return "/v1/lists/" + strconv.FormatInt(l.ID, 10) }

func viewList(l *account.ListInfo) *List {
	n := min(l.Members, account.MaxMembers)
	return &List{l.ID, l.Name, l.TimeZone, n, l.Members > n, n, l.CreatedAt.UTC()}
}

// Lists lists the contact lists by id.
func (s *Service) Lists(ctx context.Context, who Actor, p Paging) (Page[*List], error) {
	after, err := p.afterID()
	if err != nil {
		return Page[*List]{}, err
	}
	ls, err := s.Store.ListInfos(ctx, who.Account, after, p.rows())
	if err != nil {
		return Page[*List]{}, err
	}
	return pageOf(&p, ls, viewList, func(l *account.ListInfo) string { return idCursor(l.ID) }), nil
}

// List returns a contact list.
func (s *Service) List(ctx context.Context, who Actor, id int64) (*List, error) {
	l, err := s.Store.ListInfo(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewList(&l), nil
}

// apply changes l.
func (in *ListUpdate) apply(l *account.ListInfo, f *dispatch.Faults) {
	set(&l.Name, in.Name)
	set(&l.TimeZone, in.TimeZone)
	timeZone(f, &l.TimeZone)
}

// CreateList creates a contact list.
func (s *Service) CreateList(ctx context.Context, who Actor, in ListCreate) (*List, error) {
	var l account.ListInfo
	f := input.Check(&in)
	in.apply(&l, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	return s.saveList(ctx, who, "list.create", in, func(tx Tx) (account.ListInfo, error) {
		made, err := tx.CreateList(ctx, who.Account, l.Name, l.TimeZone)
		return account.ListInfo{ID: made.ID, Name: made.Name, TimeZone: made.TimeZone, CreatedAt: made.CreatedAt}, err
	})
}

// UpdateList renames a contact list or changes its time zone.
func (s *Service) UpdateList(ctx context.Context, who Actor, id int64, in ListUpdate) (*List, error) {
	f := input.Check(&in)
	return s.saveList(ctx, who, "list.update", in, func(tx Tx) (account.ListInfo, error) {
		l, err := tx.ListInfo(ctx, who.Account, id)
		if err != nil {
			return l, err
		}
		in.apply(&l, &f)
		if err := f.Err(); err != nil {
			return l, err
		}
		return tx.UpdateList(ctx, who.Account, l)
	})
}

// saveList calls save in a change with the action.
func (s *Service) saveList(
	ctx context.Context, who Actor, action string, detail any, save func(Tx) (account.ListInfo, error),
) (*List, error) {
	var l account.ListInfo
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		l, err = save(tx)
		return note{action, target("list", l.ID), detail}, taken(err, "a list with this name exists already")
	})
	if err != nil {
		return nil, err
	}
	return viewList(&l), nil
}

// DeleteList deletes a contact list; its contacts stay.
func (s *Service) DeleteList(ctx context.Context, who Actor, id int64) error {
	return s.change(ctx, who, func(tx Tx) (note, error) {
		return note{action: "list.delete", target: target("list", id)}, tx.DeleteList(ctx, who.Account, id)
	})
}

// AddMembers adds contacts to a list, all of them or none.
func (s *Service) AddMembers(ctx context.Context, who Actor, id int64, in Members) (*List, error) {
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	var l account.ListInfo
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		unknown, err := tx.AddMembers(ctx, who.Account, id, in.Contacts)
		if err != nil {
			return n, err
		}
		if len(unknown) > 0 {
			return n, noSuchContacts(in.Contacts, unknown)
		}
		l, err = tx.ListInfo(ctx, who.Account, id)
		return note{"list.add_members", target("list", id), map[string]int{"contacts": len(in.Contacts)}}, err
	})
	if err != nil {
		return nil, err
	}
	return viewList(&l), nil
}

// noSuchContacts reports the first hundred of the given contacts that are
// unknown.
func noSuchContacts(given, unknown []int64) error {
	var f dispatch.Faults
	for i, id := range given {
		if slices.Contains(unknown, id) && len(f) < 100 {
			f.Add("/contact_ids/"+strconv.Itoa(i), "no such contact")
		}
	}
	return f.Err()
}

// RemoveMember removes a contact from a list.
func (s *Service) RemoveMember(ctx context.Context, who Actor, id, contact int64) error {
	return s.change(ctx, who, func(tx Tx) (note, error) {
		n := note{"list.remove_member", target("list", id), map[string]int64{"contact": contact}}
		return n, tx.RemoveMember(ctx, who.Account, id, contact)
	})
}
