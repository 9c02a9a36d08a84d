package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/optout"
	"github.com/sendoff/sendoff/internal/store/account"
)

// AccountCreate is the input of CreateAccount.
type AccountCreate struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

// Required lists the required fields.
func (*AccountCreate) Required() []string { return []string{"name"} }

// Account is a customer.
type Account struct {
	ID         int64         `json:"id"`
	SID        string        `json:"sid"`
	Name       string        `json:"name"`
	Credits    bool          `json:"credits_enabled"`
	Balance    input.Credits `json:"balance"`
	Region     string        `json:"default_region" doc:"Country of numbers in national form; empty: none."`
	TimeZone   string        `json:"time_zone" doc:"Of quiet hours and schedules that name none."`
	Languages  []string      `json:"opt_out_languages" nullable:"false" doc:"Languages of opt-out words; empty: English and the country's."`
	Retention  Retention     `json:"retention" doc:"How many days each kind of record is kept."`
	RedactDays int           `json:"redact_days" doc:"After so many days content and numbers are removed from messages; 0: with the message."`
	DisabledAt *time.Time    `json:"disabled_at,omitempty" doc:"The account's keys are refused since then."`
	CreatedAt  time.Time     `json:"created_at"`
}

func viewAccount(a *account.Account) *Account {
	return &Account{
		ID: a.ID, SID: a.SID, Name: a.Name, Credits: a.Credits, Balance: input.Credits(a.Balance), Region: a.Region, TimeZone: a.TimeZone,
		Languages: append([]string{}, a.OptOutLanguages...), Retention: viewRetention(a.Retention), RedactDays: redactDays(a.RedactDays),
		DisabledAt: UTC(a.DisabledAt), CreatedAt: a.CreatedAt.UTC(),
	}
}

// Accounts lists all accounts by id.
func (s *Service) Accounts(ctx context.Context) (Page[*Account], error) {
	as, err := s.Store.Accounts(ctx)
	if err != nil {
		return Page[*Account]{}, err
	}
	return pageOfAll(&Paging{}, as, viewAccount, func(a *account.Account) int64 { return a.ID })
}

// Account returns the actor's account.
func (s *Service) Account(ctx context.Context, who Actor) (*Account, error) {
	a, err := s.Store.Account(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	return viewAccount(&a), nil
}

// CreateAccount creates an account.
func (s *Service) CreateAccount(ctx context.Context, who Actor, in AccountCreate) (*Account, error) {
	name := strings.TrimSpace(in.Name)
	if err := input.Check(&in).Err(); err != nil {
		return nil, err
	}
	var a account.Account
	err := s.Store.Change(ctx, who.Name, func(tx Tx) (_ account.Note, err error) {
		if err := freeAccountName(ctx, tx, name); err != nil {
			return account.Note{}, err
		}
		a, err = tx.CreateAccount(ctx, name)
		n := account.Note{Account: a.ID, Action: "account.create", Target: target("account", a.ID), Detail: map[string]string{"name": a.Name}}
		return n, err
	})
	if err != nil {
		return nil, err
	}
	return viewAccount(&a), nil
}

// freeAccountName returns a Conflict error if an account has the name: commands
// find accounts by it.
func freeAccountName(ctx context.Context, tx Tx, name string) error {
	all, err := tx.Accounts(ctx)
	for i := range all {
		if all[i].Name == name {
			return dispatch.Errorf(dispatch.Conflict, "account %d is named %q already; choose another name", all[i].ID, name)
		}
	}
	return err
}

// AccountUpdate is the input of UpdateAccount.
type AccountUpdate struct {
	Name   *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Region *string `json:"default_region,omitempty" maxLength:"2"`
	Zone   *string `json:"time_zone,omitempty" minLength:"1" maxLength:"64" doc:"Of the IANA database, such as Europe/Berlin."`
	// Languages are set as a whole; an empty list means by country.
	Languages  *[]string        `json:"opt_out_languages,omitempty"`
	Retention  *RetentionUpdate `json:"retention,omitempty"`
	RedactDays *int             `json:"redact_days,omitempty" minimum:"0" maximum:"3650"`
}

// Docs describes the fields whose names do not.
func (*AccountUpdate) Docs() map[string]string {
	return map[string]string{
		"opt_out_languages": "Languages whose opt-out words count (GET /v1/opt-out-words); empty: English and that of the contact's country.",
		"default_region": "ISO 3166 country, such as US, whose national numbers are accepted as \"to\"; empty: none, every number is " +
			"international.",
		"retention": "How many days each kind of record is kept; what is not given stays. Messages that are not finished are kept until " +
			"they are, and what belongs to a message no longer than the message. Age counts from created_at, or send_at if that is later.",
		"redact_days": "After so many days content and numbers are removed from messages, inbound messages, their delivered webhooks and " +
			"campaigns that ended; 0: they are kept as long as the message.",
	}
}

// UpdateAccount changes the account; every process applies it within a second.
func (s *Service) UpdateAccount(ctx context.Context, who Actor, in AccountUpdate) (*Account, error) {
	var a account.Account
	f := input.Check(&in)
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if a, err = tx.Account(ctx, who.Account); err != nil {
			return n, err
		}
		if in.Name != nil && strings.TrimSpace(*in.Name) != a.Name {
			a.Name = strings.TrimSpace(*in.Name)
			if err := freeAccountName(ctx, tx, a.Name); err != nil {
				return n, err
			}
		}
		setRegion(&f, &a.Region, in.Region)
		if in.Zone != nil {
			timeZone(&f, in.Zone)
			a.TimeZone = *in.Zone
		}
		a.OptOutLanguages = languagesOf(&f, a.OptOutLanguages, in.Languages)
		in.Retention.apply(&a.Retention)
		if in.RedactDays != nil {
			if a.RedactDays = in.RedactDays; *in.RedactDays == 0 {
				a.RedactDays = nil
			}
		}
		if err := f.Err(); err != nil {
			return n, err
		}
		a, err = tx.UpdateAccount(ctx, a)
		return note{"account.update", target("account", a.ID), in}, err
	})
	if err != nil {
		return nil, err
	}
	return viewAccount(&a), nil
}

// languagesOf returns the languages given, or those before if none are given. It
// reports a fault for a language without words.
func languagesOf(f *dispatch.Faults, before []string, given *[]string) []string {
	if given == nil {
		return before
	}
	out := []string{}
	for i, l := range *given {
		l = strings.ToLower(strings.TrimSpace(l))
		if !optout.Known(l) {
			f.Add(fmt.Sprintf("/opt_out_languages/%d", i), "is none of %s", strings.Join(optout.Languages(), ", "))
		}
		out = append(out, l)
	}
	return out
}

// OptOutWords returns the words with which contacts opt out and in, by language.
func (s *Service) OptOutWords(_ context.Context, _ Actor, _ OptOutWordsFilter) (Page[optout.Words], error) {
	return Page[optout.Words]{Data: optout.List()}, nil
}

// OptOutWordsFilter is the input of OptOutWords.
type OptOutWordsFilter struct{}

// setRegion changes into to the region given, in upper case, unless it is nil.
func setRegion(f *dispatch.Faults, into, given *string) {
	if given == nil {
		return
	}
	*into = strings.ToUpper(strings.TrimSpace(*given))
	if *into != "" && !phone.Region(*into) {
		f.Add("/default_region", "is not an ISO 3166 country such as US")
	}
}

// EnableAccount accepts the keys of the account again, or refuses them. Messages
// that were accepted are sent all the same.
func (s *Service) EnableAccount(ctx context.Context, who Actor, enabled bool) (*Account, error) {
	var a account.Account
	err := s.change(ctx, who, func(tx Tx) (_ note, err error) {
		a, err = tx.SetDisabled(ctx, who.Account, !enabled)
		return note{action: switched("account", &enabled, true), target: target("account", who.Account)}, err
	})
	if err != nil {
		return nil, err
	}
	return viewAccount(&a), nil
}

// DeleteAccount deletes the account with its users, keys, channels, templates
// and contacts. It returns dispatch.Conflict while the account has messages.
func (s *Service) DeleteAccount(ctx context.Context, who Actor) error {
	return s.change(ctx, who, func(tx Tx) (n note, err error) {
		a, err := tx.Account(ctx, who.Account)
		if err != nil {
			return n, err
		}
		return note{"account.delete", target("account", a.ID), map[string]string{"name": a.Name}}, tx.DeleteAccount(ctx, a.ID)
	})
}

// Credits is the balance of an account.
type Credits struct {
	Enabled bool          `json:"enabled" doc:"Whether messages are charged."`
	Balance input.Credits `json:"balance"`
}

// CreditsChange is the input of ChangeCredits.
type CreditsChange struct {
	Amount  *input.Credits `json:"amount,omitempty" doc:"Added to the balance; a negative amount is taken from it."`
	Enabled *bool          `json:"enabled,omitempty" doc:"Whether messages are charged."`
}

// LedgerEntry is a movement of the balance.
type LedgerEntry struct {
	ID      int64         `json:"id"`
	Kind    string        `json:"kind" enum:"debit,refund,refund_reversed,topup"`
	Amount  input.Credits `json:"amount" doc:"Negative if it was taken from the balance."`
	Message *dispatch.ID  `json:"message_id,omitempty"`
	At      time.Time     `json:"at"`
}

func viewCredits(a *account.Account) *Credits {
	return &Credits{Enabled: a.Credits, Balance: input.Credits(a.Balance)}
}

// Credits returns the balance of the account.
func (s *Service) Credits(ctx context.Context, who Actor) (*Credits, error) {
	a, err := s.Store.Account(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	return viewCredits(&a), nil
}

// ChangeCredits adds to the balance, and turns charging on or off.
func (s *Service) ChangeCredits(ctx context.Context, who Actor, in CreditsChange) (*Credits, error) {
	amount := input.Credits(0)
	set(&amount, in.Amount)
	if amount == 0 && in.Enabled == nil {
		var f dispatch.Faults
		f.AddWith([]string{"/enabled"}, "/amount", "is required, or enabled")
		return nil, f.Err()
	}
	var a account.Account
	err := s.change(ctx, who, func(tx Tx) (n note, err error) {
		if a, err = tx.Account(ctx, who.Account); err != nil {
			return n, err
		}
		set(&a.Credits, in.Enabled)
		if a, err = tx.SetCredits(ctx, a.ID, a.Credits, int64(amount)); dispatch.CodeOf(err) == dispatch.NotFound {
			return n, dispatch.InvalidField("/amount", "must keep the balance between -1,000,000,000,000 and 1,000,000,000,000 credits")
		}
		return note{"credits.change", target("account", a.ID), map[string]any{"amount": amount, "enabled": a.Credits}}, err
	})
	if err != nil {
		return nil, err
	}
	return viewCredits(&a), nil
}

// Ledger lists the movements of the balance, newest first.
func (s *Service) Ledger(ctx context.Context, who Actor, p Paging) (Page[LedgerEntry], error) {
	before, err := p.afterID()
	if err != nil {
		return Page[LedgerEntry]{}, err
	}
	rows, err := s.Store.Ledger(ctx, who.Account, before, p.rows())
	if err != nil {
		return Page[LedgerEntry]{}, err
	}
	view := func(r *account.LedgerEntry) LedgerEntry {
		return LedgerEntry{ID: r.ID, Kind: r.Kind, Amount: input.Credits(r.Amount), Message: r.Message, At: r.At.UTC()}
	}
	return pageOf(&p, rows, view, func(r *account.LedgerEntry) string { return idCursor(r.ID) }), nil
}
