package manage

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// listInfoView is a contact list as it is shown.
type listInfoView struct{ account.ListInfo }

func (l *listInfoView) location() string { return "/v1/lists/" + strconv.FormatInt(l.ID, 10) }

func viewList(l account.ListInfo) *listInfoView {
	l.CreatedAt = l.CreatedAt.UTC()
	return &listInfoView{l}
}

// ListFields are what may be said of a list.
type ListFields struct {
	Name string `json:"name" required:"true" minLength:"1" maxLength:"200"`
}

func (b *ListFields) check() error {
	if strings.TrimSpace(b.Name) == "" {
		return dispatch.InvalidField("/name", "must not be blank")
	}
	return nil
}

type listCreate struct{ Body ListFields }

type listUpdate struct {
	IDPath
	Body ListFields
}

type membersAdd struct {
	IDPath
	Body struct {
		Contacts []int64 `json:"contact_ids" required:"true" minItems:"1" maxItems:"10000"`
	}
}

type memberPath struct {
	IDPath
	Contact int64 `path:"contact_id" minimum:"1"`
}

func (m *manager) lists() {
	s := m.s
	const tag = "Lists"
	handle(m, route{method: http.MethodGet, path: "/v1/lists", permissions: forMessages, tag: tag, summary: "List contact lists"}, s.listLists)
	handle(m, route{method: http.MethodPost, path: "/v1/lists", permissions: forManage, tag: tag, summary: "Make a contact list", status: http.StatusCreated}, s.createList)
	handle(m, route{method: http.MethodGet, path: "/v1/lists/{id}", permissions: forMessages, tag: tag, summary: "Show a contact list", text: "Its members: GET /v1/contacts?list={id}."}, s.getList)
	handle(m, route{method: http.MethodPatch, path: "/v1/lists/{id}", permissions: forManage, tag: tag, summary: "Rename a contact list"}, s.updateList)
	remove(m, route{path: "/v1/lists/{id}", permissions: forManage, tag: tag, summary: "Delete a contact list", text: "Its contacts stay."}, s.deleteList)
	handle(m, route{method: http.MethodPost, path: "/v1/lists/{id}/members", permissions: forManage, tag: tag, summary: "Add contacts to a list", text: "All or none; one that is a member already stays one."}, s.addMembers)
	remove(m, route{path: "/v1/lists/{id}/members/{contact_id}", permissions: forManage, tag: tag, summary: "Take a contact off a list"}, s.removeMember)
}

func (s *server) listLists(ctx context.Context, who *accept.Caller, in *listIn) (middleware.List[*listInfoView], error) {
	after, err := in.afterID()
	if err != nil {
		return middleware.List[*listInfoView]{}, err
	}
	ls, err := s.Accounts.ListInfos(ctx, who.Account.ID, after, in.Limit+1)
	if err != nil {
		return middleware.List[*listInfoView]{}, err
	}
	views := make([]*listInfoView, len(ls))
	for i := range ls {
		views[i] = viewList(ls[i])
	}
	return pageOf(views, in.Limit, func(l **listInfoView) string { return strconv.FormatInt((*l).ID, 10) }), nil
}

func (s *server) getList(ctx context.Context, who *accept.Caller, in *IDPath) (*listInfoView, error) {
	l, err := s.Accounts.ListInfo(ctx, who.Account.ID, in.ID)
	return viewList(l), err
}

func (s *server) createList(ctx context.Context, who *accept.Caller, in *listCreate) (*listInfoView, error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	var l account.List
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		l, err = st.CreateList(ctx, who.Account.ID, in.Body.Name)
		return account.Note{Action: "list.create", Target: target("list", l.ID), Detail: in.Body}, conflictSays(err, "a list of this name exists already")
	})
	return viewList(account.ListInfo{ID: l.ID, Name: l.Name, CreatedAt: l.CreatedAt}), err
}

func (s *server) updateList(ctx context.Context, who *accept.Caller, in *listUpdate) (*listInfoView, error) {
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	var l account.ListInfo
	err := s.change(ctx, who, func(st *account.Store) (_ account.Note, err error) {
		l, err = st.RenameList(ctx, who.Account.ID, in.ID, in.Body.Name)
		return account.Note{Action: "list.update", Target: target("list", l.ID), Detail: in.Body}, conflictSays(err, "a list of this name exists already")
	})
	return viewList(l), err
}

func (s *server) deleteList(ctx context.Context, who *accept.Caller, in *IDPath) error {
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "list.delete", Target: target("list", in.ID)}, st.DeleteList(ctx, who.Account.ID, in.ID)
	})
}

func (s *server) addMembers(ctx context.Context, who *accept.Caller, in *membersAdd) (*listInfoView, error) {
	var l account.ListInfo
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		unknown, err := st.AddMembers(ctx, who.Account.ID, in.ID, in.Body.Contacts)
		if err != nil {
			return n, err
		}
		if len(unknown) > 0 {
			return n, noSuchContacts(in.Body.Contacts, unknown)
		}
		l, err = st.ListInfo(ctx, who.Account.ID, in.ID)
		return account.Note{Action: "list.add_members", Target: target("list", in.ID), Detail: map[string]int{"contacts": len(in.Body.Contacts)}}, err
	})
	return viewList(l), err
}

// noSuchContacts names the first hundred of the given that are unknown.
func noSuchContacts(given, unknown []int64) error {
	var f dispatch.Faults
	for i, id := range given {
		if slices.Contains(unknown, id) && len(f) < 100 {
			f.Add("/contact_ids/"+strconv.Itoa(i), "no such contact")
		}
	}
	return f.Err()
}

func (s *server) removeMember(ctx context.Context, who *accept.Caller, in *memberPath) error {
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "list.remove_member", Target: target("list", in.ID), Detail: map[string]int64{"contact": in.Contact}},
			st.RemoveMember(ctx, who.Account.ID, in.ID, in.Contact)
	})
}
