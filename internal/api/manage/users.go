package manage

import (
	"context"
	"net/http"
	"net/mail"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// userView is a user as it is shown: never the password.
type userView struct{ account.Member }

func (u *userView) location() string { return "/v1/users/" + u.ID }

func viewUser(u account.Member) *userView {
	u.CreatedAt = u.CreatedAt.UTC()
	return &userView{u}
}

// UserFields are what may be said of a user at any time.
type UserFields struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email    *string `json:"email,omitempty" maxLength:"254"`
	Role     *string `json:"role,omitempty" enum:"owner,admin,sender,viewer" doc:"sender when left out."`
	Password *string `json:"password,omitempty" minLength:"10" maxLength:"200" doc:"For the dashboard; without one there is no login."`
}

type userCreate struct{ Body userCreateBody }

type userCreateBody struct{ UserFields }

type userUpdate struct {
	UserPath
	Body struct {
		UserFields
		Disabled *bool `json:"disabled,omitempty"`
	}
}

// UserPath is a path with a user's id in it.
type UserPath struct {
	ID string `path:"id"`
}

func (m *manager) users() {
	s := m.s
	const tag = "Users"
	handle(m, route{method: http.MethodGet, path: "/v1/users", permissions: forManage, tag: tag, summary: "List the team"}, s.listUsers)
	handle(m, route{method: http.MethodPost, path: "/v1/users", permissions: forManage, tag: tag, summary: "Add a team member", status: http.StatusCreated}, s.createUser)
	handle(m, route{method: http.MethodGet, path: "/v1/users/{id}", permissions: forManage, tag: tag, summary: "Show a team member"}, s.getUser)
	handle(m, route{method: http.MethodPatch, path: "/v1/users/{id}", permissions: forManage, tag: tag, summary: "Change a team member", text: "The last owner stays one."}, s.updateUser)
	remove(m, route{path: "/v1/users/{id}", permissions: forManage, tag: tag, summary: "Remove a team member"}, s.deleteUser)
}

func (s *server) listUsers(ctx context.Context, who *accept.Caller, in *listIn) (middleware.List[*userView], error) {
	var none middleware.List[*userView]
	after, err := in.after()
	if err != nil {
		return none, err
	}
	us, err := s.Accounts.Members(ctx, who.Account.ID)
	if err != nil {
		return none, err
	}
	views := []*userView{}
	seen := after == ""
	for _, u := range us {
		if seen {
			views = append(views, viewUser(u))
		}
		seen = seen || u.ID == after
	}
	return pageOf(views[:min(len(views), in.Limit+1)], in.Limit, func(u **userView) string { return (*u).ID }), nil
}

// userID reads an id; what is none names nobody.
func userID(s string) (string, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return "", dispatch.ErrNotFound
	}
	return id.String(), nil
}

func (s *server) getUser(ctx context.Context, who *accept.Caller, in *UserPath) (*userView, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	u, err := s.Accounts.Member(ctx, who.Account.ID, id)
	return viewUser(u), err
}

// apply puts what was said into u and gives the hash of a new password.
func (b *UserFields) apply(u *account.Member) (hash string, err error) {
	var f dispatch.Faults
	set(&u.Name, b.Name)
	set(&u.Role, b.Role)
	if b.Name != nil && strings.TrimSpace(u.Name) == "" {
		f.Add("/name", "must not be blank")
	}
	if b.Email != nil {
		u.Email = strings.ToLower(*b.Email)
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email {
			f.Add("/email", "is not an e-mail address")
		}
	}
	if u.Name == "" && b.Name == nil {
		f.Add("/name", "is required")
	}
	if u.Email == "" && b.Email == nil {
		f.Add("/email", "is required")
	}
	if err := f.Err(); err != nil || b.Password == nil {
		return "", err
	}
	return auth.HashPassword(*b.Password), nil
}

func (s *server) createUser(ctx context.Context, who *accept.Caller, in *userCreate) (*userView, error) {
	u := account.Member{Role: string(auth.Sender)}
	hash, err := in.Body.apply(&u)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		made, err := st.CreateUser(ctx, who.Account.ID, u.Name, u.Email, u.Role, hash)
		if err != nil {
			return n, conflictSays(err, "somebody with this e-mail address exists already")
		}
		u, err = st.Member(ctx, who.Account.ID, made.ID)
		return account.Note{Action: "user.create", Target: "user:" + made.ID, Detail: made}, err
	})
	return viewUser(u), err
}

func (s *server) updateUser(ctx context.Context, who *accept.Caller, in *userUpdate) (*userView, error) {
	id, err := userID(in.ID)
	if err != nil {
		return nil, err
	}
	var u account.Member
	err = s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if u, err = st.Member(ctx, who.Account.ID, id); err != nil {
			return n, err
		}
		hash, err := in.Body.apply(&u)
		if err != nil {
			return n, err
		}
		set(&u.Disabled, in.Body.Disabled)
		u, err = st.UpdateMember(ctx, u, hash)
		return account.Note{Action: "user.update", Target: "user:" + u.ID, Detail: map[string]any{"name": u.Name, "email": u.Email, "role": u.Role, "disabled": u.Disabled, "password_changed": hash != ""}},
			conflictSays(err, "somebody with this e-mail address exists already")
	})
	return viewUser(u), err
}

func (s *server) deleteUser(ctx context.Context, who *accept.Caller, in *UserPath) error {
	id, err := userID(in.ID)
	if err != nil {
		return err
	}
	return s.change(ctx, who, func(st *account.Store) (account.Note, error) {
		return account.Note{Action: "user.delete", Target: "user:" + id}, st.DeleteMember(ctx, who.Account.ID, id)
	})
}
