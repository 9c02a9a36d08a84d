package admin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// User are the commands for users.
type User struct {
	Create  userCreate  `cmd:"" help:"Create a user, who may log in to the dashboard."`
	List    userList    `cmd:"" help:"List users."`
	Show    userShow    `cmd:"" help:"Show a user."`
	Update  userUpdate  `cmd:"" help:"Update a user: name, e-mail address, role, password."`
	Disable userDisable `cmd:"" help:"Disable a user, who can no longer log in."`
	Enable  userEnable  `cmd:"" help:"Enable a disabled user."`
	Delete  userDelete  `cmd:"" help:"Delete a user for good. What the user sent stays."`
}

// password is where a password comes from.
type password struct {
	PasswordFile     string `type:"existingfile" xor:"password" help:"${admin_password_passwordfile}" placeholder:"FILE"`
	GeneratePassword bool   `xor:"password" help:"Generate a password and print it."`
}

// read returns the password, for which it prompts if it is set nowhere.
func (c *password) read(e *console.Env) (string, error) {
	if c.GeneratePassword {
		return rand.Text(), nil
	}
	p, err := console.NewAsker(e).Secret("password", c.PasswordFile, "SENDOFF_USER_PASSWORD")
	if errors.Is(err, console.ErrNoSecret) {
		return "", errors.New("password is required: set SENDOFF_USER_PASSWORD, name a file with --password-file, " +
			"type it when asked, or use --generate-password")
	}
	return p, err
}

// shown returns a generated password, which is stored nowhere in clear.
func (c *password) shown(secret string) string {
	if c.GeneratePassword {
		return secret
	}
	return ""
}

// userView is a user with a generated password.
type userView struct {
	*admin.User
	Password string `json:"password,omitempty"`
}

func (s *session) printUser(u *admin.User, word, secret string) error {
	more := ""
	if secret != "" {
		more = "\npassword, shown only this once: " + secret
	}
	return s.print(userView{u, secret}, "user %s is %s: %s <%s>, %s%s", u.ID, word, u.Name, u.Email, u.Role, more)
}

type userCreate struct {
	flags
	password
	Name    string `help:"Display name. Required." placeholder:"TEXT"`
	Email   string `help:"E-mail address for the login. Required." placeholder:"ADDRESS"`
	Role    string `help:"owner, admin, sender or viewer. Default: sender." placeholder:"ROLE"`
	NoLogin bool   `xor:"password" help:"Create a user who cannot log in."`
}

// Run creates a user.
func (c *userCreate) Run(e *console.Env) error {
	in := admin.UserCreate{Name: optional(c.Name), Email: optional(c.Email), Role: optional(c.Role)}
	secret := ""
	if !c.NoLogin {
		var err error
		if secret, err = c.read(e); err != nil {
			return fmt.Errorf("%w (or --no-login)", err)
		}
		in.Password = &secret
	}
	return c.with(e, func(s *session) error {
		u, err := s.CreateUser(e.Ctx, s.who, in)
		if err != nil {
			return err
		}
		return s.printUser(u, "created", c.shown(secret))
	})
}

type userList struct{ flags }

// Run lists users.
func (c *userList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		all, err := s.Users(e.Ctx, s.who, admin.Paging{})
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, u := range all.Data {
			rows = append(rows, []string{u.ID, u.Name, u.Email, u.Role, yesNo(u.CanLogin), yesNo(u.Disabled), console.LocalTime(&u.CreatedAt)})
		}
		return s.table(all, "ID NAME EMAIL ROLE LOGIN DISABLED CREATED", rows)
	})
}

// userRef names a user.
type userRef struct {
	flags
	Ref string `arg:"" name:"user" help:"Id or e-mail address (sendoff user list)."`
}

// with runs f with the user of the id or e-mail address.
func (c *userRef) with(e *console.Env, f func(*session, *admin.User) error) error {
	return c.flags.with(e, func(s *session) error {
		all, err := s.Users(e.Ctx, s.who, admin.Paging{})
		if err != nil {
			return err
		}
		for _, u := range all.Data {
			if u.ID == c.Ref || strings.EqualFold(u.Email, c.Ref) {
				return f(s, u)
			}
		}
		return s.missing(dispatch.Errorf(dispatch.NotFound, "not found"), "user", c.Ref)
	})
}

// update changes the user and prints it.
func (c *userRef) update(e *console.Env, in admin.UserUpdate, word, secret string) error {
	return c.with(e, func(s *session, u *admin.User) error {
		u, err := s.UpdateUser(e.Ctx, s.who, u.ID, in)
		if err != nil {
			return err
		}
		return s.printUser(u, word, secret)
	})
}

type userShow struct{ userRef }

// Run shows a user.
func (c *userShow) Run(e *console.Env) error {
	return c.with(e, func(s *session, u *admin.User) error {
		return s.table(u, "", [][]string{
			{"id", u.ID},
			{"name", u.Name},
			{"email", u.Email},
			{"role", u.Role},
			{"can log in", yesNo(u.CanLogin)},
			{"disabled", yesNo(u.Disabled)},
			{"created", console.LocalTime(&u.CreatedAt)},
		})
	})
}

type userUpdate struct {
	userRef
	password
	Name        string `help:"Display name." placeholder:"TEXT"`
	Email       string `help:"E-mail address for the login." placeholder:"ADDRESS"`
	Role        string `help:"owner, admin, sender or viewer." placeholder:"ROLE"`
	SetPassword bool   `xor:"password" help:"Take a new password from SENDOFF_USER_PASSWORD or a prompt."`
}

// Run changes what is given; the rest stays.
func (c *userUpdate) Run(e *console.Env) error {
	in := admin.UserUpdate{Name: optional(c.Name), Email: optional(c.Email), Role: optional(c.Role)}
	secret := ""
	if c.SetPassword || c.GeneratePassword || c.PasswordFile != "" {
		var err error
		if secret, err = c.read(e); err != nil {
			return err
		}
		in.Password = &secret
	}
	if err := requireChange(in, "user update"); err != nil {
		return err
	}
	return c.update(e, in, "updated", c.shown(secret))
}

type (
	userDisable struct{ userRef }
	userEnable  struct{ userRef }
)

// Run disables a user.
func (c *userDisable) Run(e *console.Env) error {
	return c.update(e, admin.UserUpdate{Disabled: new(true)}, "disabled", "")
}

// Run enables a user.
func (c *userEnable) Run(e *console.Env) error {
	return c.update(e, admin.UserUpdate{Disabled: new(false)}, "enabled", "")
}

type userDelete struct {
	userRef
	Yes bool `help:"Confirm: the user is deleted for good."`
}

// Run deletes a user.
func (c *userDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "user "+c.Ref+" would be deleted for good (disable keeps the name)"); err != nil {
		return err
	}
	return c.with(e, func(s *session, u *admin.User) error {
		if err := s.DeleteUser(e.Ctx, s.who, u.ID); err != nil {
			return err
		}
		return s.print(deleted{u.ID, true}, "user %s (%s) is deleted", u.ID, u.Name)
	})
}
