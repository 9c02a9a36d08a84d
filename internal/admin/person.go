package admin

import (
	"cmp"
	"context"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

// Person names a person in an input, by exactly one id.
type Person struct {
	Phone  string `json:"phone,omitempty" maxLength:"64" doc:"In international form. Or wa_id, or user_id."`
	WaID   string `json:"wa_id,omitempty" maxLength:"64" doc:"WhatsApp's own id of the person."`
	UserID string `json:"user_id,omitempty" maxLength:"150" doc:"WhatsApp's business-scoped id of the person, such as DE.2000."`
}

// KnownIDs is what Person.Find needs of the database.
type KnownIDs interface {
	// KnownID reports whether a provider has named a person of the account by id.
	KnownID(ctx context.Context, account int64, id string) (bool, error)
}

// Find returns the id of the person as package person writes it. It adds a fault
// if p has no id, several or an invalid one. A phone is read as the recipient of
// a message is: as a number, which may be national in the actor's region, else as
// an id by which a provider has named somebody (some, as +521..., are no numbers).
func (p *Person) Find(ctx context.Context, who Actor, known KnownIDs, f *dispatch.Faults) (string, error) {
	switch {
	case cmp.Or(p.Phone, p.WaID, p.UserID) == "":
		f.Add("/phone", "phone, wa_id or user_id is required")
	case len(p.Phone)+len(p.WaID)+len(p.UserID) > max(len(p.Phone), len(p.WaID), len(p.UserID)):
		f.Add("/phone", "give one of phone, wa_id and user_id")
	case p.UserID != "":
		if person.IsUserID(p.UserID) {
			return p.UserID, nil
		}
		f.Add("/user_id", "must be a business-scoped user id, such as DE.2000")
	case p.WaID != "":
		if id := person.ID(p.WaID); id != "" && !person.IsUserID(id) {
			return id, nil
		}
		f.Add("/wa_id", "must be the digits of a wa_id")
	default:
		return p.findPhone(ctx, who, known, f)
	}
	return "", nil
}

func (p *Person) findPhone(ctx context.Context, who Actor, known KnownIDs, f *dispatch.Faults) (string, error) {
	var invalid dispatch.Faults
	if number := who.parsePhone(&invalid, "/phone", p.Phone); number != "" {
		return number, nil
	}
	if id := person.ID(p.Phone); id != "" {
		if ok, err := known.KnownID(ctx, who.Account, id); ok || err != nil {
			return id, err
		}
	}
	*f = append(*f, invalid...)
	return "", nil
}

// PersonOf returns the Person with an id that package person wrote.
func PersonOf(id string) Person {
	switch {
	case person.IsUserID(id):
		return Person{UserID: id}
	case person.IsPhone(id):
		return Person{Phone: id}
	}
	return Person{WaID: strings.TrimPrefix(id, "+")}
}
