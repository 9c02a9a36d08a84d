package admin

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Account are the commands for accounts.
type Account struct {
	Create  accountCreate  `cmd:"" help:"Create an account."`
	List    accountList    `cmd:"" help:"List accounts."`
	Show    accountShow    `cmd:"" help:"Show an account."`
	Update  accountUpdate  `cmd:"" help:"Update the name or the default region of an account."`
	Disable accountDisable `cmd:"" help:"Refuse all keys of an account. Messages that were accepted are sent."`
	Enable  accountEnable  `cmd:"" help:"Accept the keys of a disabled account again."`
	Delete  accountDelete  `cmd:"" help:"Delete an account without messages, with its users, keys, channels, templates and contacts."`
	Credits accountCredits `cmd:"" help:"Show the balance and its latest movements, add credits, turn charging on or off."`
}

type accountCreate struct {
	flags
	Name string `arg:"" help:"Display name."`
}

// Run creates an account.
func (c *accountCreate) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		a, err := s.CreateAccount(e.Ctx, s.who, admin.AccountCreate{Name: c.Name})
		if err != nil {
			return err
		}
		return s.print(a, "account %d created: %s (%s)\n\nNext: sendoff channel create --help", a.ID, a.Name, a.SID)
	})
}

// charging describes the credits of an account.
func charging(a *admin.Account) string {
	if !a.Credits {
		return "off"
	}
	return a.Balance.String()
}

type accountList struct{ flags }

// Run lists accounts.
func (c *accountList) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		all, err := s.Accounts(e.Ctx)
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, a := range all.Data {
			rows = append(rows, []string{id(a.ID), a.SID, a.Name, charging(a), yesNo(a.DisabledAt != nil), console.LocalTime(&a.CreatedAt)})
		}
		return s.table(all, "ID SID NAME CREDITS DISABLED CREATED", rows)
	})
}

type accountShow struct {
	flags
	Ref string `arg:"" optional:"" name:"account" help:"Id, sid or name."`
}

// Run shows an account.
func (c *accountShow) Run(e *console.Env) error {
	c.Account = cmp.Or(c.Ref, c.Account)
	return c.with(e, func(s *session) error {
		a := s.account
		return s.table(a, "", [][]string{
			{"id", id(a.ID)},
			{"sid", a.SID},
			{"name", a.Name},
			{"credits", charging(a)},
			{"default region", cmp.Or(a.Region, "none")},
			{"time zone", a.TimeZone},
			{"kept for", kept(a)},
			{"disabled since", console.LocalTime(a.DisabledAt)},
			{"created", console.LocalTime(&a.CreatedAt)},
		})
	})
}

// accountRef names the account of a command that must not guess.
type accountRef struct {
	flags
	Ref string `arg:"" name:"account" help:"Id, sid or name (sendoff account list)."`
}

// with is that of flags for the named account.
func (c *accountRef) with(e *console.Env, f func(*session) error) error {
	c.Account = c.Ref
	return c.flags.with(e, f)
}

type accountUpdate struct {
	accountRef
	Name            *string `help:"Display name." placeholder:"TEXT"`
	DefaultRegion   *string `help:"Country, as US, whose national numbers are accepted; \"\": none." placeholder:"CODE"`
	TimeZone        *string `help:"Of quiet hours and schedules that name none, as Europe/Berlin." placeholder:"ZONE"`
	OptOutLanguages *string `help:"Languages whose opt-out words count, as de,fr; \"\": by the contact's country." placeholder:"CODES"`

	Keep       map[string]int `help:"${admin_accountupdate_keep}" placeholder:"RECORDS=DAYS"`
	RedactDays *int           `help:"${admin_accountupdate_redactdays}" placeholder:"DAYS"`
}

// Run changes what is given; the rest stays.
func (c *accountUpdate) Run(e *console.Env) error {
	in := admin.AccountUpdate{
		Name: c.Name, Region: c.DefaultRegion, Zone: c.TimeZone, Languages: listed(c.OptOutLanguages), RedactDays: c.RedactDays,
	}
	if err := keep(c.Keep, &in); err != nil {
		return err
	}
	if err := requireChange(in, "account update"); err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		a, err := s.UpdateAccount(e.Ctx, s.who, in)
		if err != nil {
			return err
		}
		return s.print(a, "account %d (%s) is updated: %s", a.ID, a.Name, strings.Join(input.Given(&in), ", "))
	})
}

// listed returns the entries of a list with commas, or nil if it is not given.
func listed(s *string) *[]string {
	if s == nil {
		return nil
	}
	out := strings.FieldsFunc(*s, func(r rune) bool { return r == ',' || r == ' ' })
	return &out
}

type (
	accountDisable struct{ accountRef }
	accountEnable  struct{ accountRef }
)

// Run refuses an account's keys.
func (c *accountDisable) Run(e *console.Env) error {
	return c.enable(e, false, "account %d (%s) is disabled: its keys are refused, messages that were accepted are sent")
}

// Run accepts an account's keys again.
func (c *accountEnable) Run(e *console.Env) error {
	return c.enable(e, true, "account %d (%s) is enabled")
}

func (c *accountRef) enable(e *console.Env, on bool, text string) error {
	return c.with(e, func(s *session) error {
		a, err := s.EnableAccount(e.Ctx, s.who, on)
		if err != nil {
			return err
		}
		return s.print(a, text, a.ID, a.Name)
	})
}

type accountDelete struct {
	accountRef
	Yes bool `help:"Confirm: the account and everything in it are deleted for good."`
}

// Run deletes an account.
func (c *accountDelete) Run(e *console.Env) error {
	const contents = "its users, keys, channels, templates and contacts (disable keeps them)"
	if err := confirmed(c.Yes, "account "+c.Ref+" would be deleted for good, with "+contents); err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		if err := s.DeleteAccount(e.Ctx, s.who); err != nil {
			return err
		}
		return s.print(deleted{s.account.ID, true}, "account %d (%s) is deleted", s.account.ID, s.account.Name)
	})
}

type accountCredits struct {
	flags
	Ref   string `arg:"" optional:"" name:"account" help:"Id, sid or name."`
	On    bool   `xor:"state" help:"Charge messages: each costs its channel's price, and none is accepted at zero."`
	Off   bool   `xor:"state" help:"Charge nothing."`
	Add   string `help:"Credits to add; --add=-5 takes some away." placeholder:"AMOUNT"`
	Limit int    `default:"20" help:"How many movements to show."`
}

// input returns the change, and whether there is one.
func (c *accountCredits) input() (in admin.CreditsChange, change bool, err error) {
	if c.On || c.Off {
		in.Enabled = &c.On
	}
	if c.Add != "" {
		amount, err := input.ParseCredits(c.Add)
		if err != nil {
			return in, false, dispatch.InvalidField("/amount", "%s", err)
		}
		in.Amount = &amount
	}
	return in, in != admin.CreditsChange{}, nil
}

// creditsView is the balance with its latest movements.
type creditsView struct {
	*admin.Credits
	Ledger []admin.LedgerEntry `json:"ledger"`
}

// Run changes and shows the balance.
func (c *accountCredits) Run(e *console.Env) error {
	c.Account = cmp.Or(c.Ref, c.Account)
	in, change, err := c.input()
	if err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		if change {
			if _, err := s.ChangeCredits(e.Ctx, s.who, in); err != nil {
				return err
			}
		}
		balance, err := s.Credits(e.Ctx, s.who)
		if err != nil {
			return err
		}
		ledger, err := s.Ledger(e.Ctx, s.who, admin.Paging{Limit: min(max(c.Limit, 1), 1000)})
		if err != nil {
			return err
		}
		return s.printCredits(creditsView{balance, ledger.Data})
	})
}

func (s *session) printCredits(v creditsView) error {
	if s.json {
		return console.PrintJSON(s.env.Stdout, v)
	}
	state := "off"
	if v.Enabled {
		state = "on"
	}
	fmt.Fprintf(s.env.Stdout, "credits of account %d (%s): %s, balance %s\n", s.account.ID, s.account.Name, state, v.Balance)
	rows := [][]string{}
	for _, m := range v.Ledger {
		message := "-"
		if m.Message != nil {
			message = m.Message.String()
		}
		rows = append(rows, []string{console.LocalTime(&m.At), m.Kind, m.Amount.String(), message})
	}
	if len(rows) == 0 {
		return nil
	}
	return console.PrintTable(s.env.Stdout, "AT KIND AMOUNT MESSAGE", rows)
}
