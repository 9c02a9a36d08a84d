package admin

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/account"
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

// otherIDs are the fields that may stand in place of phone.
var otherIDs = []string{"/wa_id", "/user_id"}

// Find returns the id of the person as package person writes it. It adds a fault
// if p has no id, several or an invalid one. A phone is read as the recipient of
// a message is: as a number, which may be national in the actor's region, else as
// an id by which a provider has named somebody (some, as +521..., are no numbers).
func (p *Person) Find(ctx context.Context, who Actor, known KnownIDs, f *dispatch.Faults) (string, error) {
	switch {
	case cmp.Or(p.Phone, p.WaID, p.UserID) == "":
		f.AddWith(otherIDs, "/phone", "phone, wa_id or user_id is required")
	case len(p.Phone)+len(p.WaID)+len(p.UserID) > max(len(p.Phone), len(p.WaID), len(p.UserID)):
		f.AddWith(otherIDs, "/phone", "give one of phone, wa_id and user_id")
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
	id, err := person.Recipient(p.Phone, who.Region, func(id string) (bool, error) { return known.KnownID(ctx, who.Account, id) })
	if dispatch.CodeOf(err) == dispatch.Invalid {
		f.Add("/phone", "%s", dispatch.AsError(err).Msg)
		return "", nil
	}
	return id, err
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

// SuppressionFilter selects suppressions.
type SuppressionFilter struct {
	Paging

	Search string `query:"search" maxLength:"64" doc:"The beginning of the number, wa_id or user id; a whole one finds the person's others."`
}

// SuppressionCreate is the input of CreateSuppression.
type SuppressionCreate struct {
	Person

	Scope  string `json:"scope,omitempty" enum:"all,marketing" doc:"What is stopped: all (the default), or marketing templates and campaigns."`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why, in your own words; returned as detail."`
	Detail string `json:"detail,omitempty" maxLength:"500" doc:"The same as reason, as a suppression is returned; it comes first."`
}

// Suppression is a number that nothing is sent to.
type Suppression struct {
	Phone     string    `json:"phone,omitempty"`
	WaID      string    `json:"wa_id,omitempty"`
	UserID    string    `json:"user_id,omitempty"`
	Scope     string    `json:"scope" enum:"all,marketing" doc:"What is held back: everything, or marketing templates and campaigns alone."`
	Reason    string    `json:"reason" enum:"stop,provider,manual" doc:"Who asked for it: the person, the provider or an operator."`
	Detail    string    `json:"detail,omitempty"`
	Source    string    `json:"source" doc:"How it came: message, event, refusal, operator, import or number_change."`
	CreatedAt time.Time `json:"created_at"`
}

// id returns the id of the person that is suppressed.
func (p *Suppression) id() string {
	if p.UserID != "" {
		return p.UserID
	}
	if p.WaID != "" {
		return "+" + p.WaID
	}
	return p.Phone
}

// Location returns the path of the suppression in the API.
func (p *Suppression) Location() string { return "/v1/suppressions/" + p.id() }

func viewSuppression(p *account.Suppression) *Suppression {
	who := PersonOf(p.Phone)
	return &Suppression{
		Phone: who.Phone, WaID: who.WaID, UserID: who.UserID,
		Scope: p.Scope, Reason: p.Reason, Detail: p.Detail, Source: p.Source, CreatedAt: p.CreatedAt.UTC(),
	}
}

// Suppressions lists suppressions by number.
func (s *Service) Suppressions(ctx context.Context, who Actor, in SuppressionFilter) (Page[*Suppression], error) {
	none := Page[*Suppression]{Data: []*Suppression{}}
	after, err := in.after()
	if err != nil {
		return none, err
	}
	prefix := beginningOf(in.Search)
	if prefix == "" && in.Search != "" {
		return none, nil
	}
	ps, err := s.Store.Suppressions(ctx, who.Account, prefix, after, in.rows())
	if err != nil {
		return none, err
	}
	return pageOf(&in.Paging, ps, viewSuppression, func(p *account.Suppression) string { return p.Phone }), nil
}

// userIDs is the form of the beginning of a user id.
var userIDs = regexp.MustCompile(`^[A-Z]{2}\.[A-Z0-9.]*$`)

// beginningOf returns the beginning of an id of a person as it is stored, or "" for
// what begins none.
func beginningOf(search string) string {
	search = strings.ToUpper(strings.TrimSpace(search))
	if userIDs.MatchString(search) {
		return search
	}
	if digits := digitsOf(search); digits != "" {
		return "+" + digits
	}
	return ""
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// CreateSuppression suppresses a number: nothing is sent to it from then on, not
// even messages that are waiting.
func (s *Service) CreateSuppression(ctx context.Context, who Actor, in SuppressionCreate) (*Suppression, error) {
	f := input.Check(&in)
	number, err := in.Find(ctx, who, s.Store, &f)
	if err := cmp.Or(err, f.Err()); err != nil {
		return nil, err
	}
	var p account.Suppression
	err = s.change(ctx, who, func(tx Tx) (_ note, err error) {
		p, err = tx.Suppress(ctx, who.Account, number, cmp.Or(in.Scope, dispatch.ScopeAll), cmp.Or(in.Detail, in.Reason))
		return note{action: "suppression.create", target: "phone:" + number}, err
	})
	if err != nil {
		return nil, err
	}
	return viewSuppression(&p), nil
}

// DeleteSuppression removes a suppression: the number can be sent to again.
func (s *Service) DeleteSuppression(ctx context.Context, who Actor, number string) error {
	id := person.ID(number)
	if id == "" {
		return errNotFound()
	}
	return s.change(ctx, who, func(tx Tx) (note, error) {
		return note{action: "suppression.delete", target: "phone:" + id}, tx.Unsuppress(ctx, who.Account, id)
	})
}
