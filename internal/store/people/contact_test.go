package people_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/worker/workertest"
)

// A contact is saved under the id that the message went to, whichever it is, and the
// next time it is the same one.
func TestSaveContact(t *testing.T) {
	t.Parallel()
	f := open(t)
	list, err := f.Accounts.CreateList(t.Context(), f.Account, "all of them", "")
	workertest.Must(t, err)
	for id, want := range map[string]account.Contact{
		"+15550100100":   {Phone: "+15550100100"},
		"+5215512345678": {WaID: "5215512345678"}, // no number
		"DE.2000":        {UserID: "DE.2000"},
	} {
		for _, c := range []struct{ name, fields string }{{"Ann", `{"a":1}`}, {"", `{"b":2}`}, {"", ""}} {
			workertest.Must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
				return people.SaveContact(t.Context(), tx, f.Account, id, c.name, c.fields, list.ID)
			}))
		}
		found, _, err := f.Accounts.Contacts(t.Context(), f.Account, account.ContactFilter{List: list.ID, Limit: 9})
		workertest.Must(t, err)
		n := 0
		for _, c := range found {
			if c.Phone == want.Phone && c.WaID == want.WaID && c.UserID == want.UserID {
				n++
				if c.Name != "Ann" || string(c.Fields) != `{"a": 1, "b": 2}` {
					t.Errorf("%s: %+v", id, c)
				}
			}
		}
		if n != 1 {
			t.Errorf("%s: %d contacts: %+v", id, n, found)
		}
	}
}
