// Package campaigns holds the use cases of campaigns. The API, the command line
// and the dashboard only translate between their own form and its inputs and
// results.
package campaigns

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner/audience"
	"github.com/sendoff/sendoff/internal/store/account"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// Store is what the use cases need of the database.
type Store interface {
	Tx
	// Change runs f in a transaction and writes the audit entry that f returns in
	// the same one.
	Change(ctx context.Context, actor string, f func(Tx) (account.Note, error)) error
}

// Tx reads and writes campaigns. Within a change, a campaign that was read stays
// as it is until the change ends.
type Tx interface {
	audience.FillStore
	Create(ctx context.Context, c *store.Campaign) error
	Campaign(ctx context.Context, account, id int64) (store.Campaign, error)
	Campaigns(ctx context.Context, account int64, f store.Filter) (page []store.Campaign, next int64, err error)
	Save(ctx context.Context, c *store.Campaign) error
	Delete(ctx context.Context, id int64) error
	Zone(ctx context.Context, account int64) (string, error)
	Now(ctx context.Context) (time.Time, error)
	RunningImport(ctx context.Context, account, id int64) (int64, error)
	MissingLists(ctx context.Context, account int64, lists []int64) ([]int64, error)
	Counts(ctx context.Context, ids []int64) (map[int64]*store.Counts, error)
	NextTurn(ctx context.Context, c *store.Campaign) (*time.Time, error)
	// Used returns how many users count against the messaging limit of ch.
	Used(ctx context.Context, ch *dispatch.Channel) (int, error)
	Recipients(ctx context.Context, id int64, f store.RecipientFilter) (page []store.Standing, next int64, err error)
	Report(ctx context.Context, id, after int64, limit int) ([]store.Reported, error)
	BeginValidation(ctx context.Context, id int64) error
	EndValidation(ctx context.Context, id int64, result string) error
	Validation(ctx context.Context, id int64) (string, error)
	OpenChild(ctx context.Context, parent int64, kind int) (c store.Campaign, ok bool, err error)
	AddFailed(ctx context.Context, id, parent int64) error
	EmptyLedger(ctx context.Context, c *store.Campaign) error
	Park(ctx context.Context, id int64) error
	Unpark(ctx context.Context, id int64) error
	CancelMessages(ctx context.Context, id int64) (more bool, err error)
	CancelRows(ctx context.Context, c *store.Campaign) (more bool, err error)
	Note(ctx context.Context, c *store.Campaign, kind int16, cause, detail string) error
}

// Options of a Service.
type Options struct {
	Store    Store
	Registry audience.Registry
}

// Service holds the use cases. Its methods return dispatch.NotFound for campaigns
// that do not exist or belong to another account.
type Service struct{ Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// Input is the body of Create and Update: a campaign.Definition, or the fields of
// one that change.
type Input struct{ raw json.RawMessage }

// UnmarshalJSON keeps the body, which package campaign decodes.
func (in *Input) UnmarshalJSON(raw []byte) error {
	in.raw = append(json.RawMessage(nil), raw...)
	return nil
}

// Create creates a campaign as a draft.
func (s *Service) Create(ctx context.Context, who admin.Actor, in Input) (*Campaign, error) {
	zone, err := s.Store.Zone(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	d, err := campaign.Decode(in.raw, zone, time.Now())
	if err != nil {
		return nil, err
	}
	c := store.Campaign{Account: who.Account, Test: who.Test, Key: keyOf(who)}
	if err := setDefinition(&c, d); err != nil {
		return nil, err
	}
	err = s.change(ctx, who, "campaign.create", &c, func(tx Tx) error { return tx.Create(ctx, &c) })
	if err != nil {
		return nil, err
	}
	return s.view(ctx, &c)
}

// keyOf returns the API key of an actor, or 0.
func keyOf(who admin.Actor) int64 {
	digits, _ := strings.CutPrefix(who.Name, "key:")
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// setDefinition stores d in c, its contacts apart: lists of campaigns are read
// without them.
func setDefinition(c *store.Campaign, d *campaign.Definition) error {
	short := *d
	short.Audience.Contacts = nil
	raw, err := json.Marshal(&short)
	if err != nil {
		return err
	}
	contacts, err := json.Marshal(d.Audience.Contacts)
	if err != nil {
		return err
	}
	c.Name, c.Definition, c.Contacts = d.Name, string(raw), string(contacts)
	return nil
}

// change makes a change of c and writes its audit entry in the same transaction, which
// it rolls back if the input has faults.
func (s *Service) change(ctx context.Context, who admin.Actor, action string, c *store.Campaign, f func(Tx) error) error {
	return s.Store.Change(ctx, who.Name, func(tx Tx) (account.Note, error) {
		err := cmp.Or(f(tx), who.Faults.Err())
		return account.Note{
			Account: who.Account, Action: action, Target: "campaign:" + strconv.FormatInt(c.ID, 10),
			Detail: map[string]any{"name": c.Name, "status": c.State.String()},
		}, err
	})
}

// Get returns a campaign.
func (s *Service) Get(ctx context.Context, who admin.Actor, id int64) (*Campaign, error) {
	c, err := s.Store.Campaign(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return s.view(ctx, &c)
}

// Filter selects campaigns.
type Filter struct {
	admin.Paging

	Status string `query:"status" enum:"draft,scheduled,running,paused,finished,cancelled" doc:"Only campaigns in this state."`
	Search string `query:"search" maxLength:"200" doc:"Part of the name."`
	Parent int64  `query:"parent" minimum:"1" doc:"The runs and retries of a campaign."`
}

// List lists campaigns, newest first, without the contacts of their audiences.
func (s *Service) List(ctx context.Context, who admin.Actor, f Filter) (admin.Page[*Campaign], error) {
	none := admin.Page[*Campaign]{}
	before, err := f.AfterID()
	if err != nil {
		return none, err
	}
	in := store.Filter{Search: f.Search, Parent: f.Parent, Before: before, Limit: f.Limit}
	if f.Status != "" {
		state, ok := campaign.ParseState(f.Status)
		if !ok {
			return none, dispatch.InvalidField("/status", "is not the status of a campaign")
		}
		in.State = &state
	}
	cs, next, err := s.Store.Campaigns(ctx, who.Account, in)
	if err != nil {
		return none, err
	}
	views, err := s.views(ctx, cs)
	if err != nil {
		return none, err
	}
	return admin.PageUpTo(views, next, func(v **Campaign) *Campaign { return *v }), nil
}

// Update changes a campaign that has not started. One that is scheduled gets a
// new ledger.
func (s *Service) Update(ctx context.Context, who admin.Actor, id int64, in Input) (*Campaign, error) {
	var c store.Campaign
	err := s.change(ctx, who, "campaign.update", &c, func(tx Tx) (err error) {
		if c, err = tx.Campaign(ctx, who.Account, id); err != nil {
			return err
		}
		if _, err := c.State.Check(campaign.Edit); err != nil {
			return err
		}
		return s.patch(ctx, tx, &c, in)
	})
	if err != nil {
		return nil, err
	}
	return s.view(ctx, &c)
}

func (s *Service) patch(ctx context.Context, tx Tx, c *store.Campaign, in Input) error {
	zone, err := tx.Zone(ctx, c.Account)
	if err != nil {
		return err
	}
	d, err := audience.Definition(c)
	if err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if err := d.Patch(in.raw, zone, now); err != nil {
		return err
	}
	if c.State == campaign.Scheduled && d.StartAt == nil {
		return dispatch.InvalidField("/start_at", "can't be removed from a campaign that is scheduled, which would start at once: "+
			"set another time, or cancel it")
	}
	if err := setDefinition(c, d); err != nil {
		return err
	}
	c.UpdatedAt = now
	if c.State == campaign.Scheduled {
		if err := s.prepare(ctx, tx, c, now); err != nil {
			return err
		}
	}
	return tx.Save(ctx, c)
}

// Delete deletes a draft.
func (s *Service) Delete(ctx context.Context, who admin.Actor, id int64) error {
	var c store.Campaign
	return s.change(ctx, who, "campaign.delete", &c, func(tx Tx) (err error) {
		if c, err = tx.Campaign(ctx, who.Account, id); err != nil {
			return err
		}
		if _, err := c.State.Check(campaign.Delete); err != nil {
			return err
		}
		return tx.Delete(ctx, id)
	})
}

// errRepeated ends a change that finds that all is as it is to become.
var errRepeated = errors.New("repeated")
