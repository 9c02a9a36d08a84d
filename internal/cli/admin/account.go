package admin

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Account is the command of that name.
type Account struct {
	Create  accountCreate  `cmd:"" help:"Make an account."`
	List    accountList    `cmd:"" help:"List accounts."`
	Show    accountShow    `cmd:"" help:"Show one account."`
	Disable accountDisable `cmd:"" help:"Refuse all keys of an account until it is enabled again; what it had accepted is sent."`
	Enable  accountEnable  `cmd:"" help:"Accept the keys of a disabled account again."`
	Delete  accountDelete  `cmd:"" help:"Remove an account that has no messages, with its users, keys, channels, templates and contacts."`
	Credits accountCredits `cmd:"" help:"Turn credits on or off, top up, show the balance and its latest movements."`
}

// accountView is an account as the command line shows it.
type accountView struct {
	account.Account
	Balance json.Number `json:"balance"`
}

func newAccountView(a account.Account) accountView {
	return accountView{Account: a, Balance: store.Credits(a.Balance)}
}

func (v *accountView) credits() string {
	if !v.Credits {
		return "off"
	}
	return v.Balance.String()
}

type accountCreate struct {
	flags
	Name string `arg:"" help:"Name, for people."`
}

// Run makes an account.
func (c *accountCreate) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		var a account.Account
		if err := s.change(func(s *session) (n account.Note, err error) {
			a, err = s.CreateAccount(e.Ctx, c.Name)
			n = note("create", "account", a.ID, map[string]any{"name": a.Name})
			n.Account = a.ID
			return n, err
		}); err != nil {
			return err
		}
		return s.say(newAccountView(a), "account %d made: %s (%s)\n\nNext: sendoff channel create meta --account %d --help", a.ID, a.Name, a.SID, a.ID)
	})
}

type accountList struct{ flags }

// Run lists accounts.
func (c *accountList) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		all, err := s.Accounts(e.Ctx)
		if err != nil {
			return err
		}
		views, rows := []accountView{}, [][]string{}
		for _, a := range all {
			v := newAccountView(a)
			views, rows = append(views, v), append(rows, []string{id(a.ID), a.SID, a.Name, v.credits(), yesNo(a.DisabledAt != nil), console.LocalTime(&a.CreatedAt)})
		}
		return s.table(views, "ID SID NAME CREDITS DISABLED CREATED", rows)
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
		v := newAccountView(s.account)
		return s.table(v, "", [][]string{{"id", id(v.ID)}, {"sid", v.SID}, {"name", v.Name}, {"credits", v.credits()}, {"disabled since", console.LocalTime(v.DisabledAt)}, {"created", console.LocalTime(&v.CreatedAt)}})
	})
}

// accountRef names an account of which the command must not have to guess.
type accountRef struct {
	flags
	Ref string `arg:"" name:"account" help:"Id, sid or name (sendoff account list)."`
}

// with is that of admin, for the account.
func (c *accountRef) with(e *console.Env, f func(*session) error) error {
	c.Account = c.Ref
	return c.flags.with(e, f)
}

type (
	accountDisable struct{ accountRef }
	accountEnable  struct{ accountRef }
)

// Run refuses an account's keys.
func (c *accountDisable) Run(e *console.Env) error {
	return c.disable(e, true, "disable", "account %d (%s) is disabled: its keys are refused, what it had accepted is sent")
}

// Run accepts its keys again.
func (c *accountEnable) Run(e *console.Env) error {
	return c.disable(e, false, "enable", "account %d (%s) is enabled")
}

func (c *accountRef) disable(e *console.Env, disabled bool, action, said string) error {
	return c.with(e, func(s *session) error {
		if err := s.change(func(within *session) (_ account.Note, err error) {
			s.account, err = within.SetDisabled(e.Ctx, s.account.ID, disabled)
			return note(action, "account", s.account.ID, nil), err
		}); err != nil {
			return err
		}
		return s.say(newAccountView(s.account), said, s.account.ID, s.account.Name)
	})
}

type accountDelete struct {
	accountRef
	Yes bool `help:"Really do it: the account and all that is its own are gone for good."`
}

// Run removes an account.
func (c *accountDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "account "+c.Ref+" would be gone for good, with its users, keys, channels, templates and contacts (disable keeps them)"); err != nil {
		return err
	}
	return c.with(e, func(s *session) error {
		if err := s.change(func(within *session) (account.Note, error) {
			return note("delete", "account", s.account.ID, map[string]any{"name": s.account.Name}), within.DeleteAccount(e.Ctx, s.account.ID)
		}); err != nil {
			return err
		}
		return s.say(map[string]any{"id": s.account.ID, "deleted": true}, "account %d (%s) is deleted", s.account.ID, s.account.Name)
	})
}

type accountCredits struct {
	flags
	Ref   string `arg:"" optional:"" name:"account" help:"Id, sid or name."`
	On    bool   `xor:"state" help:"From now on every message debits its channel's price, and at zero none is accepted."`
	Off   bool   `xor:"state" help:"Messages cost nothing."`
	Add   string `help:"Credits to add; --add=-5 takes some away." placeholder:"AMOUNT"`
	Limit int    `default:"20" help:"How many movements to show."`
}

// Run changes and shows the balance.
func (c *accountCredits) Run(e *console.Env) error {
	c.Account = cmp.Or(c.Ref, c.Account)
	amount := int64(0)
	if c.Add != "" {
		var err error
		if amount, err = console.ParseCredits(c.Add); err != nil {
			return fmt.Errorf("%w: --add: %w", console.ErrUsage, err)
		}
	}
	return c.with(e, func(s *session) error {
		if c.On || c.Off || amount != 0 {
			if err := s.setCredits(c, amount); err != nil {
				return err
			}
		}
		moves, err := s.Ledger(e.Ctx, s.account.ID, 0, min(max(c.Limit, 0), 1000))
		if err != nil {
			return err
		}
		return s.printCredits(moves)
	})
}

func (s *session) setCredits(c *accountCredits, amount int64) error {
	return s.change(func(within *session) (account.Note, error) {
		a, err := within.Account(s.env.Ctx, s.account.ID)
		if err != nil {
			return account.Note{}, err
		}
		s.account, err = within.SetCredits(s.env.Ctx, a.ID, c.On || (a.Credits && !c.Off), amount)
		return note("credits", "account", a.ID, map[string]any{"enabled": s.account.Credits, "added": store.Credits(amount)}), err
	})
}

// ledgerView is a movement as the command line shows it.
type ledgerView struct {
	account.LedgerEntry
	Amount json.Number `json:"amount"`
}

func (s *session) printCredits(moves []account.LedgerEntry) error {
	v := newAccountView(s.account)
	views, rows := []ledgerView{}, [][]string{}
	for _, m := range moves {
		message := "-"
		if m.Message != nil {
			message = m.Message.String()
		}
		views = append(views, ledgerView{m, store.Credits(m.Amount)})
		rows = append(rows, []string{console.LocalTime(&m.At), m.Kind, store.Credits(m.Amount).String(), message})
	}
	if s.json {
		return console.PrintJSON(s.env.Stdout, map[string]any{"account": v, "ledger": views})
	}
	fmt.Fprintf(s.env.Stdout, "credits of account %d (%s): %s, balance %s\n", v.ID, v.Name, map[bool]string{true: "on", false: "off"}[v.Credits], v.Balance)
	if len(rows) == 0 {
		return nil
	}
	return console.PrintTable(s.env.Stdout, "AT KIND AMOUNT MESSAGE", rows)
}
