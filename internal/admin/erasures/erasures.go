// Package erasures holds the use cases of erasing persons.
package erasures

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/erasure"
)

// Store is what the use cases need of the database.
type Store interface {
	Tx
	admin.KnownIDs
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

// Input is the input of Create.
type Input struct{ admin.Person }

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
	f := input.Check(&in)
	id, err := in.Find(ctx, who, s.store, &f)
	if err := cmp.Or(err, f.Err(), who.Faults.Err()); err != nil {
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

// Get returns an erasure and what it has removed so far.
func (s *Service) Get(ctx context.Context, who admin.Actor, id int64) (*Erasure, error) {
	e, err := s.store.Erasure(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return view(&e), nil
}
