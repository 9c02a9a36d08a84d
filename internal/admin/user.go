package admin

import (
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// UserCreate is the input of CreateUser.
type UserCreate struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email    *string `json:"email,omitempty" minLength:"1" maxLength:"254"`
	Role     *string `json:"role,omitempty" enum:"owner,admin,sender,viewer" doc:"sender if left out."`
	Password *string `json:"password,omitempty" minLength:"10" maxLength:"200" doc:"For the dashboard; a user without one cannot log in."`
}

// Required lists the required fields.
func (*UserCreate) Required() []string { return []string{"name", "email"} }

// UserUpdate is the input of UpdateUser. Fields that are nil stay as they are.
type UserUpdate struct {
	Name     *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Email    *string `json:"email,omitempty" minLength:"1" maxLength:"254"`
	Role     *string `json:"role,omitempty" enum:"owner,admin,sender,viewer"`
	Password *string `json:"password,omitempty" minLength:"10" maxLength:"200" doc:"Replaces the password."`
	Disabled *bool   `json:"disabled,omitempty" doc:"A disabled user cannot log in."`
}

// User is a member of an account's team.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	Disabled  bool      `json:"disabled"`
	CanLogin  bool      `json:"can_log_in"`
	CreatedAt time.Time `json:"created_at"`
}

// Location returns the path of the user in the API.
func (u *User) Location() string { return "/v1/users/" + u.ID }

func viewUser(u *account.Member) *User {
	return &User{u.ID, u.Name, u.Email, u.Role, u.Disabled, u.CanLogin, u.CreatedAt.UTC()}
}

// userTarget names a user in the audit log.
func userTarget(id string) string { return "user:" + id }

// parseUserID returns the canonical form of a user's id, and dispatch.NotFound
// for what is none.
func parseUserID(s string) (string, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return "", errNotFound()
	}
	return id.String(), nil
}

func errNotFound() error { return dispatch.Errorf(dispatch.NotFound, "not found") }

// mayManage returns a refusal if one of the roles is owner and the actor may not
// manage owners.
func (a Actor) mayManage(roles ...string) error {
	if !a.NoOwner || !slices.Contains(roles, string(auth.Owner)) {
		return nil
	}
	return &dispatch.Error{Code: dispatch.Forbidden, Reason: "owner", Msg: "only an owner may add, change or remove owners"}
}

// UserActor returns a signed-in user as an actor.
func UserActor(account int64, id string, role auth.Role) Actor {
	return Actor{Account: account, Name: userTarget(id), May: role.Permissions(), NoOwner: role != auth.Owner}
}

// Users lists the team in the order in which it was added.
func (s *Service) Users(ctx context.Context, who Actor, p Paging) (Page[*User], error) {
	after, err := p.after()
	if err != nil {
		return Page[*User]{}, err
	}
	us, err := s.Store.Members(ctx, who.Account)
	if err != nil {
		return Page[*User]{}, err
	}
	start := 0
	for i := range us {
		if us[i].ID == after {
			start = i + 1
		}
	}
	return pageOf(&p, us[start:], viewUser, func(u *account.Member) string { return u.ID }), nil
}

// User returns a user.
func (s *Service) User(ctx context.Context, who Actor, id string) (*User, error) {
	id, err := parseUserID(id)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.Member(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return viewUser(&u), nil
}

// CreateUser adds a user.
func (s *Service) CreateUser(ctx context.Context, who Actor, in UserCreate) (*User, error) {
	u := account.Member{Role: string(auth.Sender)}
	f := input.Check(&in)
	change := UserUpdate{Name: in.Name, Email: in.Email, Role: in.Role, Password: in.Password}
	change.apply(&u, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := who.mayManage(u.Role); err != nil {
		return nil, err
	}
	hash, err := change.hash(ctx) // slow: outside of the transaction
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, who, func(tx Tx) (n note, err error) {
		own, err := hasEmail(ctx, tx, who.Account, u.Email)
		if err != nil {
			return n, err
		}
		made, err := tx.CreateUser(ctx, who.Account, u.Name, u.Email, u.Role, hash)
		if err != nil {
			return n, takenOr(err, own, "/email", "a user with this e-mail address exists already")
		}
		u, err = tx.Member(ctx, who.Account, made.ID)
		return change.note("user.create", &u), err
	})
	if err != nil {
		return nil, err
	}
	return viewUser(&u), nil
}

// hasEmail reports whether a user of the account has the e-mail address.
func hasEmail(ctx context.Context, tx Tx, account int64, email string) (bool, error) {
	us, err := tx.Members(ctx, account)
	for i := range us {
		if strings.EqualFold(us[i].Email, email) {
			return true, err
		}
	}
	return false, err
}

// Invited notes in the audit log that a user is invited to set a new password, and
// returns the user.
func (s *Service) Invited(ctx context.Context, who Actor, id string) (*User, error) {
	id, err := parseUserID(id)
	if err != nil {
		return nil, err
	}
	var u account.Member
	err = s.change(ctx, who, func(tx Tx) (n note, err error) {
		if u, err = tx.Member(ctx, who.Account, id); err != nil {
			return n, err
		}
		if err := who.mayManage(u.Role); err != nil {
			return n, err
		}
		return note{action: "user.invite", target: userTarget(id)}, nil
	})
	if err != nil {
		return nil, err
	}
	return viewUser(&u), nil
}

// UpdateUser changes a user. It returns dispatch.Conflict if the account would
// be left without an owner.
func (s *Service) UpdateUser(ctx context.Context, who Actor, id string, in UserUpdate) (*User, error) {
	id, err := parseUserID(id)
	if err != nil {
		return nil, err
	}
	f := input.Check(&in)
	hash := ""
	if len(f) == 0 {
		if hash, err = in.hash(ctx); err != nil {
			return nil, err
		}
	}
	var u account.Member
	err = s.change(ctx, who, func(tx Tx) (n note, err error) {
		if u, err = tx.Member(ctx, who.Account, id); err != nil {
			return n, err
		}
		before := u.Role
		in.apply(&u, &f)
		if err := f.Err(); err != nil {
			return n, err
		}
		if err := who.mayManage(before, u.Role); err != nil {
			return n, err
		}
		own, err := hasEmail(ctx, tx, who.Account, u.Email)
		if err != nil {
			return n, err
		}
		u, err = tx.UpdateMember(ctx, u, hash)
		return in.note(in.action(), &u), takenOr(err, own, "/email", "another user has this e-mail address")
	})
	if err != nil {
		return nil, err
	}
	return viewUser(&u), nil
}

// apply changes u and reports what the limits in the tags can't tell.
func (in *UserUpdate) apply(u *account.Member, f *dispatch.Faults) {
	set(&u.Name, in.Name)
	set(&u.Role, in.Role)
	set(&u.Disabled, in.Disabled)
	if in.Email == nil || *in.Email == "" {
		return
	}
	u.Email = strings.ToLower(*in.Email)
	if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email {
		f.Add("/email", "is not an e-mail address")
	}
}

// hash returns the hash of the new password, "" if there is none.
func (in *UserUpdate) hash(ctx context.Context) (string, error) {
	if in.Password == nil {
		return "", nil
	}
	return auth.HashPassword(ctx, *in.Password)
}

// action names the change in the audit log.
func (in *UserUpdate) action() string {
	if in.Disabled == nil {
		return "user.update"
	}
	on := !*in.Disabled
	return switched("user", &on, *in == UserUpdate{Disabled: in.Disabled})
}

func (in *UserUpdate) note(action string, u *account.Member) note {
	return note{action, userTarget(u.ID), map[string]any{
		"name": u.Name, "email": u.Email, "role": u.Role, "disabled": u.Disabled, "password_changed": in.Password != nil,
	}}
}

// DeleteUser deletes a user; what they sent stays. It returns dispatch.Conflict
// for the last owner.
func (s *Service) DeleteUser(ctx context.Context, who Actor, id string) error {
	id, err := parseUserID(id)
	if err != nil {
		return err
	}
	return s.change(ctx, who, func(tx Tx) (note, error) {
		u, err := tx.Member(ctx, who.Account, id)
		if err != nil {
			return note{}, err
		}
		if err := who.mayManage(u.Role); err != nil {
			return note{}, err
		}
		return note{action: "user.delete", target: userTarget(id)}, tx.DeleteMember(ctx, who.Account, id)
	})
}
