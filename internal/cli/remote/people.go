package remote

import (
	"context"
	"fmt"
	"net/http"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Contact are the commands for contacts.
type Contact struct {
	List   contactList   `cmd:"" help:"List contacts."`
	Create contactCreate `cmd:"" help:"Create a contact."`
	Show   contactShow   `cmd:"" help:"Show a contact."`
	Update contactUpdate `cmd:"" help:"Change a contact."`
	Delete contactDelete `cmd:"" help:"Delete a contact."`
}

type contactList struct {
	Listing
	List   int64  `help:"Only of the contact list with this id." placeholder:"ID"`
	Search string `help:"Part of the name, or the first digits of the number." placeholder:"TEXT"`
}

// Run lists contacts.
func (c *contactList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetContacts(ctx, &api.GetContactsParams{Limit: &limit, Cursor: cursor, List: given(c.List), Search: given(c.Search)})
	}, "id", "phone", "name", "fields", "created_at")
}

type contactCreate struct {
	Flags
	Phone string            `arg:"" help:"Number in international form."`
	Name  string            `help:"Name." placeholder:"TEXT"`
	Field map[string]string `help:"A field, as order=A-17." placeholder:"NAME=TEXT"`
	List  []int64           `help:"Add it to the contact lists with these ids." placeholder:"ID"`
}

// Run creates a contact.
func (c *contactCreate) Run(e *console.Env) error {
	body := api.ContactCreate{Phone: &c.Phone, Name: given(c.Name), Fields: fields(c.Field)}
	if len(c.List) > 0 {
		body.ListIds = &c.List
	}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.PostContacts(ctx, body) })
}

// fields returns the fields of a contact, or nil if there is none.
func fields(given map[string]string) *map[string]any {
	if len(given) == 0 {
		return nil
	}
	out := make(map[string]any, len(given))
	for name, v := range given {
		out[name] = v
	}
	return &out
}

type contactShow struct {
	Flags
	ID int64 `arg:"" help:"Id (sendoff contact list)."`
}

// Run shows a contact.
func (c *contactShow) Run(e *console.Env) error {
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetContactsId(ctx, c.ID) })
}

type contactUpdate struct {
	Flags
	ID       int64             `arg:"" help:"Id (sendoff contact list)."`
	Name     *string           `help:"Name." placeholder:"TEXT"`
	Field    map[string]string `help:"All its fields from now on, as order=A-17." placeholder:"NAME=TEXT"`
	TimeZone *string           `help:"IANA time zone, as Europe/Berlin; empty: that of its list or number." placeholder:"ZONE"`
}

// Run changes the fields that are given.
func (c *contactUpdate) Run(e *console.Env) error {
	body := api.ContactUpdate{Name: c.Name, Fields: fields(c.Field), TimeZone: c.TimeZone}
	if body == (api.ContactUpdate{}) {
		return fmt.Errorf("%w: name what to change: --name, --field or --time-zone", console.ErrUsage)
	}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PatchContactsId(ctx, c.ID, body)
	})
}

type contactDelete struct {
	Flags
	ID  int64 `arg:"" help:"Id (sendoff contact list)."`
	Yes bool  `help:"Confirm."`
}

// Run deletes a contact.
func (c *contactDelete) Run(e *console.Env) error {
	if !c.Yes {
		return fmt.Errorf("%w: this deletes contact %d; repeat with --yes", console.ErrUsage, c.ID)
	}
	return c.do(e, fmt.Sprintf("contact %d deleted", c.ID), func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.DeleteContactsId(ctx, c.ID)
	})
}

// Suppression are the commands for numbers that nothing is sent to.
type Suppression struct {
	List   suppressionList   `cmd:"" help:"List suppressions."`
	Add    suppressionAdd    `cmd:"" help:"Suppress a number."`
	Remove suppressionRemove `cmd:"" help:"Remove a suppression."`
}

type suppressionList struct {
	Listing
	Search string `help:"The beginning of the number, the wa_id or the user id." placeholder:"TEXT"`
}

// Run lists suppressions.
func (c *suppressionList) Run(e *console.Env) error {
	return c.list(e, func(ctx context.Context, cl *client, limit int64, cursor *string) (*http.Response, error) {
		return cl.GetSuppressions(ctx, &api.GetSuppressionsParams{Limit: &limit, Cursor: cursor, Search: given(c.Search)})
	}, "phone", "scope", "reason", "detail", "source", "created_at")
}

type suppressionAdd struct {
	Flags
	Phone  string `arg:"" help:"Number in international form."`
	Scope  string `enum:"all,marketing" default:"all" help:"all, or marketing: templates of marketing and campaigns alone."`
	Reason string `help:"Why, in your own words." placeholder:"TEXT"`
}

// Run suppresses a number.
func (c *suppressionAdd) Run(e *console.Env) error {
	body := api.SuppressionCreate{Phone: &c.Phone, Scope: given(api.SuppressionCreateScope(c.Scope)), Reason: given(c.Reason)}
	return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.PostSuppressions(ctx, body) })
}

type suppressionRemove struct {
	Flags
	Phone string `arg:"" help:"Number in international form."`
}

// Run removes a suppression.
func (c *suppressionRemove) Run(e *console.Env) error {
	return c.do(e, "suppression of "+c.Phone+" removed", func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.DeleteSuppressionsPhone(ctx, c.Phone)
	})
}
