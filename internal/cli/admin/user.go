package admin

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// User is the command of that name.
type User struct {
	Create  userCreate  `cmd:"" help:"Add a team member, who may log in to the dashboard."`
	List    userList    `cmd:"" help:"List the team."`
	Show    userShow    `cmd:"" help:"Show one team member."`
	Update  userUpdate  `cmd:"" help:"Change a team member: name, e-mail address, role, password."`
	Disable userDisable `cmd:"" help:"Take a team member's access away."`
	Enable  userEnable  `cmd:"" help:"Give a disabled team member access again."`
	Delete  userDelete  `cmd:"" help:"Remove a team member for good; what they sent stays."`
}

// password is where a password comes from.
type password struct {
	PasswordFile     string `type:"existingfile" xor:"password" help:"File with the password (or SENDOFF_USER_PASSWORD, or a prompt)." placeholder:"FILE"`
	GeneratePassword bool   `xor:"password" help:"Make a password and print it."`
}

// read gives the password; people are asked for it when it is nowhere.
func (c *password) read(e *console.Env) (string, error) {
	if c.GeneratePassword {
		return rand.Text(), nil
	}
	p, err := console.NewAsker(e).Secret("password", c.PasswordFile, "SENDOFF_USER_PASSWORD")
	if err != nil {
		return "", err
	}
	if len([]rune(p)) < minPassword {
		return "", fmt.Errorf("the password must have at least %d characters", minPassword)
	}
	return p, nil
}

// withPassword is a user as the one shows it who has to know the password.
type withPassword struct {
	account.Member
	Password string `json:"password,omitempty"`
}

type userCreate struct {
	flags
	password
	Name    string `required:"" help:"Name, for people."`
	Email   string `required:"" help:"E-mail address, for the login."`
	Role    string `enum:"owner,admin,sender,viewer" default:"sender" help:"owner, admin, sender or viewer."`
	NoLogin bool   `xor:"password" help:"A name to send for, without a login."`
}

const minPassword = 12

// Run adds a team member.
func (c *userCreate) Run(e *console.Env) error {
	if err := checkEmail(c.Email); err != nil {
		return err
	}
	secret, hash := "", ""
	if !c.NoLogin {
		var err error
		if secret, err = c.read(e); err != nil {
			return fmt.Errorf("%w (or --generate-password, or --no-login)", err)
		}
		hash = auth.HashPassword(secret)
	}
	return c.with(e, func(s *session) error {
		var m account.Member
		if err := s.change(func(s *session) (n account.Note, err error) {
			u, err := s.CreateUser(e.Ctx, s.account.ID, c.Name, strings.ToLower(c.Email), c.Role, hash)
			if err != nil {
				return n, taken(err, c.Email)
			}
			m, err = s.Member(e.Ctx, s.account.ID, u.ID)
			return userNote("create", &m, map[string]any{"role": m.Role}), err
		}); err != nil {
			return err
		}
		return s.tell(&m, "made", c.shown(secret))
	})
}

// shown is the password if nobody else knows it.
func (c *password) shown(secret string) string {
	if c.GeneratePassword {
		return secret
	}
	return ""
}

// tell says what became of a user, and a password that was made.
func (s *session) tell(m *account.Member, word, secret string) error {
	more := ""
	if secret != "" {
		more = "\npassword, shown only this once: " + secret
	}
	return s.say(withPassword{*m, secret}, "user %s %s: %s <%s>, %s%s", m.ID, word, m.Name, m.Email, m.Role, more)
}

func checkEmail(address string) error {
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
		return fmt.Errorf("%w: --email: %q is no e-mail address", console.ErrUsage, address)
	}
	return nil
}

// taken words that an address belongs to somebody.
func taken(err error, email string) error {
	if dispatch.CodeOf(err) == dispatch.Conflict && dispatch.AsError(err).Err != nil {
		return fmt.Errorf("there is a user with the address %s already", email)
	}
	return err
}

// userNote is a change of a user; their ids are no numbers.
func userNote(action string, m *account.Member, detail any) account.Note {
	return account.Note{Action: "user." + action, Target: "user:" + m.ID, Detail: detail}
}

type userList struct{ flags }

// Run lists the team.
func (c *userList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		ms, err := s.Members(e.Ctx, s.account.ID)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, m := range ms {
			rows = append(rows, []string{m.ID, m.Name, m.Email, m.Role, yesNo(m.CanLogin), yesNo(m.Disabled), console.LocalTime(&m.CreatedAt)})
		}
		return s.table(ms, "ID NAME EMAIL ROLE LOGIN DISABLED CREATED", rows)
	})
}

// userRef names a team member.
type userRef struct {
	flags
	Ref string `arg:"" name:"user" help:"Id or e-mail address (sendoff user list)."`
}

// find reads the team member, within a change for that alone.
func (c *userRef) find(s *session) (account.Member, error) {
	ms, err := s.Members(s.env.Ctx, s.account.ID)
	if err != nil {
		return account.Member{}, err
	}
	for _, m := range ms {
		if m.ID == c.Ref || strings.EqualFold(m.Email, c.Ref) {
			return s.Member(s.env.Ctx, s.account.ID, m.ID)
		}
	}
	return account.Member{}, s.missing(&dispatch.Error{Code: dispatch.NotFound}, "user", c.Ref)
}

type userShow struct{ userRef }

// Run shows a team member.
func (c *userShow) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		m, err := c.find(s)
		if err != nil {
			return err
		}
		return s.table(m, "", [][]string{
			{"id", m.ID}, {"name", m.Name}, {"email", m.Email}, {"role", m.Role}, {"can log in", yesNo(m.CanLogin)}, {"disabled", yesNo(m.Disabled)}, {"created", console.LocalTime(&m.CreatedAt)},
		})
	})
}

type userUpdate struct {
	userRef
	password
	Name        string `help:"Name, for people." placeholder:"TEXT"`
	Email       string `help:"E-mail address, for the login." placeholder:"ADDRESS"`
	Role        string `enum:"owner,admin,sender,viewer," default:"" help:"owner, admin, sender or viewer." placeholder:"ROLE"`
	SetPassword bool   `xor:"password" help:"Take a new password from SENDOFF_USER_PASSWORD or a prompt."`
}

// Run changes what was given; the rest stays.
func (c *userUpdate) Run(e *console.Env) error {
	if c.Email != "" {
		if err := checkEmail(c.Email); err != nil {
			return err
		}
	}
	secret, hash := "", ""
	if c.SetPassword || c.GeneratePassword || c.PasswordFile != "" {
		var err error
		if secret, err = c.read(e); err != nil {
			return err
		}
		hash = auth.HashPassword(secret)
	}
	var did []string
	for name, v := range map[string]string{"name": c.Name, "email": c.Email, "role": c.Role, "password": hash} {
		if v != "" {
			did = append(did, name)
		}
	}
	if len(did) == 0 {
		return fmt.Errorf("%w: nothing to change was given; see sendoff user update --help", console.ErrUsage)
	}
	slices.Sort(did)
	return c.change(e, "update", hash, func(m *account.Member) any {
		m.Name, m.Email, m.Role = cmp.Or(c.Name, m.Name), cmp.Or(strings.ToLower(c.Email), m.Email), cmp.Or(c.Role, m.Role)
		return map[string]any{"fields": did, "role": m.Role}
	}, "updated ("+strings.Join(did, ", ")+")", c.shown(secret))
}

type (
	userDisable struct{ userRef }
	userEnable  struct{ userRef }
)

// Run takes a team member's access away.
func (c *userDisable) Run(e *console.Env) error {
	return c.change(e, "disable", "", func(m *account.Member) any { m.Disabled = true; return nil }, "disabled", "")
}

// Run gives access again.
func (c *userEnable) Run(e *console.Env) error {
	return c.change(e, "enable", "", func(m *account.Member) any { m.Disabled = false; return nil }, "enabled", "")
}

// change alters the team member, with a new password if there is a hash of one,
// and says so.
func (c *userRef) change(e *console.Env, action, hash string, f func(*account.Member) (detail any), word, secret string) error {
	return c.with(e, func(s *session) error {
		var m account.Member
		if err := s.change(func(s *session) (n account.Note, err error) {
			if m, err = c.find(s); err != nil {
				return n, err
			}
			detail := f(&m)
			m, err = s.UpdateMember(e.Ctx, m, hash)
			return userNote(action, &m, detail), taken(err, m.Email)
		}); err != nil {
			return err
		}
		return s.tell(&m, word, secret)
	})
}

type userDelete struct {
	userRef
	Yes bool `help:"Really do it: the team member is gone for good."`
}

// Run removes a team member.
func (c *userDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "user "+c.Ref+" would be gone for good (disable keeps the name)"); err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		var m account.Member
		if err := s.change(func(s *session) (n account.Note, err error) {
			if m, err = c.find(s); err != nil {
				return n, err
			}
			return userNote("delete", &m, nil), s.DeleteMember(e.Ctx, s.account.ID, m.ID)
		}); err != nil {
			return err
		}
		return s.say(map[string]any{"id": m.ID, "deleted": true}, "user %s (%s) is deleted", m.ID, m.Name)
	})
}
