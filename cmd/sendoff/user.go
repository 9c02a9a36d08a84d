package main

import (
	"crypto/rand"
	"fmt"
	"net/mail"
	"strings"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

type userCmd struct {
	Create  userCreate  `cmd:"" help:"Add a team member, who may log in to the dashboard."`
	List    userList    `cmd:"" help:"List the team."`
	Disable userDisable `cmd:"" help:"Take a team member's access away."`
}

type userCreate struct {
	admin
	Name             string `required:"" help:"Name, for people."`
	Email            string `required:"" help:"E-mail address, for the login."`
	Role             string `enum:"owner,admin,sender,viewer" default:"sender" help:"owner, admin, sender or viewer."`
	PasswordFile     string `type:"existingfile" xor:"password" help:"File with the password (or SENDOFF_USER_PASSWORD, or a prompt)." placeholder:"FILE"`
	GeneratePassword bool   `xor:"password" help:"Make a password and print it."`
	NoLogin          bool   `xor:"password" help:"A name to send for, without a login."`
}

const minPassword = 12

// Run adds a team member.
func (c *userCreate) Run(e *env) error {
	if a, err := mail.ParseAddress(c.Email); err != nil || a.Address != c.Email {
		return fmt.Errorf("%w: --email: %q is no e-mail address", errConfig, c.Email)
	}
	password, err := c.password(e)
	if err != nil {
		return err
	}
	hash := ""
	if password != "" {
		hash = auth.HashPassword(password)
	}
	return c.with(e, func(s *session) error {
		var u dispatch.User
		err := s.change(func(s *session) (_ store.Note, err error) {
			u, err = s.CreateUser(e.ctx, s.account.ID, c.Name, c.Email, c.Role, hash)
			return store.Note{Action: "user.create", Target: "user:" + u.ID, Detail: map[string]any{"role": u.Role}}, err
		})
		if dispatch.CodeOf(err) == dispatch.Conflict && err != nil {
			return fmt.Errorf("there is a user with the address %s already", c.Email)
		}
		if err != nil {
			return err
		}
		if !c.GeneratePassword {
			return s.say(u, "user %s made: %s <%s>, %s", u.ID, u.Name, u.Email, u.Role)
		}
		type withPassword struct {
			dispatch.User
			Password string `json:"password"`
		}
		return s.say(withPassword{u, password}, "user %s made: %s <%s>, %s\npassword, shown only this once: %s", u.ID, u.Name, u.Email, u.Role, password)
	})
}

func (c *userCreate) password(e *env) (string, error) {
	if c.NoLogin {
		return "", nil
	}
	if c.GeneratePassword {
		return rand.Text(), nil
	}
	p, err := newAsker(e).secret("password", c.PasswordFile, "SENDOFF_USER_PASSWORD")
	if err != nil {
		return "", fmt.Errorf("%w (or --generate-password, or --no-login)", err)
	}
	if len([]rune(p)) < minPassword {
		return "", fmt.Errorf("the password must have at least %d characters", minPassword)
	}
	return p, nil
}

type userList struct{ admin }

// Run lists the team.
func (c *userList) Run(e *env) error {
	return c.with(e, func(s *session) error {
		us, err := s.Users(e.ctx, s.account.ID)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, u := range us {
			rows = append(rows, []string{u.ID, u.Name, u.Email, u.Role})
		}
		return s.table(us, "ID NAME EMAIL ROLE", rows)
	})
}

type userDisable struct {
	admin
	Ref string `arg:"" name:"user" help:"Id or e-mail address."`
}

// Run takes a team member's access away.
func (c *userDisable) Run(e *env) error {
	return c.with(e, func(s *session) error {
		us, err := s.Users(e.ctx, s.account.ID)
		if err != nil {
			return err
		}
		for _, u := range us {
			if u.ID != c.Ref && !strings.EqualFold(u.Email, c.Ref) {
				continue
			}
			if err := s.change(func(s *session) (store.Note, error) {
				return store.Note{Action: "user.disable", Target: "user:" + u.ID}, s.DisableUser(e.ctx, s.account.ID, u.ID)
			}); err != nil {
				return err
			}
			return s.say(map[string]any{"id": u.ID, "disabled": true}, "user %s (%s) is disabled", u.ID, u.Name)
		}
		return s.missing(&dispatch.Error{Code: dispatch.NotFound}, "user", c.Ref)
	})
}
