package accept

import (
	"cmp"
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/people"
)

// Caller is the account on whose behalf a request is made, and its API key.
type Caller struct {
	Account     account.Account
	Key         account.Key
	Permissions auth.Permissions
	User        *User // who is signed in, nil for an API key
}

// User is a signed-in user. Its caller's Key holds the limits of the session and
// has a negative id.
type User struct {
	ID, Name, Email string
	Role            auth.Role
}

// sentBy returns the key and the user that are noted with a message: of a session
// no key, and its user unless the message names one.
func (c *Caller) sentBy(user string) (key int64, by string) {
	if c.User != nil {
		return 0, cmp.Or(user, c.User.ID)
	}
	return c.Key.ID, user
}

// Region returns the country (ISO 3166) whose national numbers the caller may
// send to, or "" for none.
func (c *Caller) Region() string { return cmp.Or(c.Key.Region, c.Account.Region) }

// Require returns a Forbidden error if the key lacks the permission.
func (c *Caller) Require(permission string) error {
	if c.Permissions.Has(auth.PermissionNamed(permission)) {
		return nil
	}
	subject := "this key lacks"
	if c.User != nil {
		subject = "your role (" + string(c.User.Role) + ") lacks"
	}
	return &dispatch.Error{Code: dispatch.Forbidden, Msg: subject + " the permission " + permission, Reason: permission}
}

// RequireData returns a Forbidden error for a test key and data that is not test
// data: messages of live keys, live keys, channels, users.
func (c *Caller) RequireData(test bool) error {
	if test || !c.Key.Test {
		return nil
	}
	return &dispatch.Error{
		Code: dispatch.Forbidden, Reason: "live_key", Msg: "this is a test key: it works with messages of test keys and with test keys only; " +
			"use a live key",
	}
}

// RequireFor returns a Forbidden error if the key may not send one of the drafts.
func (c *Caller) RequireFor(drafts []dispatch.Draft) error {
	for i := range drafts {
		if d := &drafts[i]; d.Content.Type == "" && len(d.Faults) > 0 {
			continue // what its type was to be is not known, and it is refused
		}
		if err := c.Require(drafts[i].Content.Type.Permission()); err != nil {
			return err
		}
	}
	return nil
}

// mayReach returns an error if the key may not send to the number's country.
func (c *Caller) mayReach(to string) error {
	if len(c.Key.Countries) == 0 || slices.Contains(c.Key.Countries, person.Country(to)) {
		return nil
	}
	return &dispatch.Error{
		Code: dispatch.CountryNotAllowed, Msg: "this key may not send to the recipient's country",
		Faults: []dispatch.Fault{{Field: "/to", Msg: "this key may not send to the recipient's country"}},
	}
}

type peopleStore interface {
	// KnownID reports whether a provider has named a person of the account by id.
	KnownID(ctx context.Context, account int64, id string) (bool, error)
	// NumbersOf returns the phone numbers of the person with the id.
	NumbersOf(ctx context.Context, account int64, id string) ([]string, error)
	// IDs returns, by index, all ids of each person; the first one stands for them.
	IDs(ctx context.Context, of []people.ID) ([][]string, error)
}
