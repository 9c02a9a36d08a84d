// Package erasures holds the use cases of erasing persons.
package erasures

import (
	"context"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/erasure"
)

// Store is what the use cases need of the database.
type Store interface {
	Tx
	Erasure(ctx context.Context, account, id int64) (erasure.Erasure, error)
	// Change runs f in a transaction and writes the audit entry that f returns in
	// the same one.
	Change(ctx context.Context, actor string, f func(Tx) (account.Note, error)) error
}

// Tx creates erasures.
type Tx interface {
	CreateErasure(ctx context.Context, account int64, id string) (erasure.Erasure, error)
}

// Service holds the use cases.
type Service struct{ store Store }

// New returns a Service.
func New(store Store) *Service { return &Service{store} }

// Input is the input of Create: one id of the person.
type Input struct {
	Phone  string `json:"phone,omitempty" maxLength:"64" doc:"In international form."`
	WaID   string `json:"wa_id,omitempty" maxLength:"32" doc:"The provider's own id of the number."`
	UserID string `json:"user_id,omitempty" maxLength:"131" doc:"The business-scoped user id."`
}

// Erasure is the removal of a person.
type Erasure struct {
	ID         int64            `json:"id"`
	Status     string           `json:"status" enum:"running,done"`
	Removed    map[string]int64 `json:"removed" doc:"How many records were removed or blanked, by where."`
	CreatedAt  time.Time        `json:"created_at"`
	FinishedAt *time.Time       `json:"finished_at"`
}

// Location returns the path of the erasure in the API.
func (e *Erasure) Location() string { return "/v1/erasures/" + strconv.FormatInt(e.ID, 10) }

func view(e *erasure.Erasure) *Erasure {
	v := &Erasure{ID: e.ID, Status: "running", Removed: e.Counts(), CreatedAt: e.CreatedAt.UTC()}
	if e.FinishedAt != nil {
		at := e.FinishedAt.UTC()
		v.Status, v.FinishedAt = "done", &at
	}
	return v
}

// Create stores the request to remove a person: it is done in the background.
func (s *Service) Create(ctx context.Context, who admin.Actor, in Input) (*Erasure, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	var e erasure.Erasure
	err = s.store.Change(ctx, who.Name, func(tx Tx) (account.Note, error) {
		e, err = tx.CreateErasure(ctx, who.Account, id)
		// The person is not named: the audit log must forget it, too.
		return account.Note{Account: who.Account, Action: "erasure.create", Target: "erasure:" + strconv.FormatInt(e.ID, 10)}, err
	})
	if err != nil {
		return nil, err
	}
	return view(&e), nil
}

// id returns the person's id in the store's form.
func (in *Input) id() (string, error) {
	switch {
	case in.Phone != "" && in.WaID == "" && in.UserID == "":
		e164, err := phone.Parse(in.Phone)
		if err != nil {
			return "", dispatch.InvalidField("/phone", "%s", dispatch.AsError(err).Msg)
		}
		return e164, nil
	case in.WaID != "" && in.Phone == "" && in.UserID == "":
		if id := person.ID(in.WaID); id != "" && !person.IsUserID(id) {
			return id, nil
		}
		return "", dispatch.InvalidField("/wa_id", "must be the digits of a wa_id")
	case in.UserID != "" && in.Phone == "" && in.WaID == "":
		if person.IsUserID(in.UserID) {
			return in.UserID, nil
		}
		return "", dispatch.InvalidField("/user_id", "must be a business-scoped user id, such as DE.2000")
	}
	return "", dispatch.InvalidField("/phone", "exactly one of phone, wa_id and user_id is required")
}

// Get returns an erasure and what it has removed so far.
func (s *Service) Get(ctx context.Context, who admin.Actor, id int64) (*Erasure, error) {
	e, err := s.store.Erasure(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return view(&e), nil
}
