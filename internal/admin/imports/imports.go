// Package imports holds the use cases of imports of contacts, suppressions and
// audiences, and of the files that we write. The API only translates.
package imports

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
)

// Store is what the use cases need of the database.
type Store interface {
	Tx
	exports
	Append(ctx context.Context, account, id, offset int64, data []byte) error
	FailUpload(ctx context.Context, account, id int64, reason string) error
	Imports(ctx context.Context, account int64, f audience.ImportFilter) (page []audience.Import, next int64, err error)
	// Change runs f in a transaction and writes the audit entry that f returns in
	// the same one.
	Change(ctx context.Context, actor string, f func(Tx) (account.Note, error)) error
}

// Tx reads and writes imports. Within a change, an import that was read stays as
// it is until the change ends.
type Tx interface {
	CreateImport(ctx context.Context, i *audience.Import, o *audience.Options) (audience.Import, error)
	Import(ctx context.Context, account, id int64) (audience.Import, error)
	StartImport(ctx context.Context, account, id int64, name string) (audience.Import, error)
	ContinueImport(ctx context.Context, account, id int64) (audience.Import, error)
	UndoImport(ctx context.Context, account, id int64) (audience.Import, error)
	HasList(ctx context.Context, account, list int64) (bool, error)
	CampaignState(ctx context.Context, account, campaign int64) (*campaign.State, error)
}

// Service holds the use cases. Its methods return dispatch.NotFound for imports
// that do not exist or belong to another account.
type Service struct{ store Store }

// New returns a Service.
func New(store Store) *Service { return &Service{store} }

// Input are the settings of a new import.
type Input struct {
	Kind     string
	List     int64 // 0: none
	Campaign int64 // 0: none
	File     string
	Options  audience.Options
	Faults   dispatch.Faults // that were found when it was read
}

// Import is an import as clients see it.
type Import struct {
	ID         int64                  `json:"id"`
	Kind       string                 `json:"kind" enum:"contacts,suppressions,audience"`
	Status     string                 `json:"status" enum:"uploading,running,done,stopped,failed,undone"`
	Error      string                 `json:"error,omitempty" doc:"Why it failed or stopped."`
	List       *int64                 `json:"list,omitempty" doc:"The list that the contacts are added to."`
	Campaign   *int64                 `json:"campaign,omitempty" doc:"The campaign whose audience it adds to."`
	DryRun     bool                   `json:"dry_run"`
	Received   int64                  `json:"received" doc:"Bytes of the file so far."`
	File       string                 `json:"file" doc:"The name of the file."`
	Encoding   string                 `json:"encoding"`
	Delimiter  string                 `json:"delimiter"`
	Columns    []contactimport.Column `json:"columns"`
	Lines      int64                  `json:"lines" doc:"Data rows: created + updated + unchanged + duplicate + suppressed + bad."`
	Created    int64                  `json:"created"`
	Updated    int64                  `json:"updated"`
	Unchanged  int64                  `json:"unchanged"`
	Duplicate  int64                  `json:"duplicate" doc:"The person came earlier in the file; the first row wins."`
	Suppressed int64                  `json:"suppressed" doc:"The contact was written; the person stays suppressed."`
	Bad        int64                  `json:"bad" doc:"Rows that could not be read: errors.csv has them."`
	CreatedAt  time.Time              `json:"created_at"`
	StartedAt  *time.Time             `json:"started_at"`
	FinishedAt *time.Time             `json:"finished_at"`
}

// Location returns the path of the import in the API.
func (i *Import) Location() string { return "/v1/imports/" + strconv.FormatInt(i.ID, 10) }

func view(i *audience.Import) *Import {
	v := &Import{
		ID: i.ID, Kind: i.Kind, Status: i.Status, Error: i.Error, List: i.List, Campaign: i.Campaign, DryRun: i.Options().DryRun,
		Received: i.Received, File: i.File, Encoding: i.Encoding, Delimiter: i.Delimiter, Columns: []contactimport.Column{},
		Lines: i.Lines, Created: i.Created, Updated: i.Updated, Unchanged: i.Unchanged, Duplicate: i.Duplicate, Suppressed: i.Suppressed,
		Bad: i.Bad, CreatedAt: i.CreatedAt.UTC(), StartedAt: admin.UTC(i.StartedAt), FinishedAt: admin.UTC(i.FinishedAt),
	}
	_ = json.Unmarshal(i.Columns, &v.Columns) // ours
	return v
}

// Filter selects imports.
type Filter struct {
	admin.Paging

	Kind, Status string
}

// check returns a refusal of a kind or status that no import has.
func (in *Filter) check() error {
	var f dispatch.Faults
	for _, q := range []struct {
		at, value string
		known     []string
	}{{"/kind", in.Kind, audience.Kinds}, {"/status", in.Status, audience.Statuses}} {
		if q.value != "" && !slices.Contains(q.known, q.value) {
			f.Add(q.at, "must be one of %s", strings.Join(q.known, ", "))
		}
	}
	return f.Err()
}

// List lists imports, the newest first.
func (s *Service) List(ctx context.Context, who admin.Actor, in Filter) (admin.Page[*Import], error) {
	before, err := in.AfterID()
	if err != nil {
		return admin.Page[*Import]{}, err
	}
	if err := in.check(); err != nil {
		return admin.Page[*Import]{}, err
	}
	f := audience.ImportFilter{Kind: in.Kind, Status: in.Status, Before: before, Limit: in.Limit}
	is, next, err := s.store.Imports(ctx, who.Account, f)
	if err != nil {
		return admin.Page[*Import]{}, err
	}
	return admin.PageUpTo(is, next, view), nil
}

// Get returns an import.
func (s *Service) Get(ctx context.Context, who admin.Actor, id int64) (*Import, error) {
	i, err := s.store.Import(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	return view(&i), nil
}

// Create creates an import that waits for its file. Returns dispatch.Invalid for
// settings that no file can have, and dispatch.InvalidState for a campaign whose
// audience can no longer be changed.
func (s *Service) Create(ctx context.Context, who admin.Actor, in *Input) (*Import, error) {
	if err := s.check(ctx, who, in); err != nil {
		return nil, err
	}
	i := audience.Import{Account: who.Account, Actor: who.Name, Kind: in.Kind, File: in.File}
	if in.List > 0 {
		i.List = &in.List
	}
	if in.Campaign > 0 {
		i.Campaign = &in.Campaign
	}
	err := s.change(ctx, who, "import.create", func(tx Tx) (_ audience.Import, err error) {
		i, err = tx.CreateImport(ctx, &i, &in.Options)
		return i, err
	})
	if err != nil {
		return nil, err
	}
	return view(&i), nil
}

func (s *Service) check(ctx context.Context, who admin.Actor, in *Input) error {
	var f dispatch.Faults
	var state *campaign.State // of the campaign
	hasCampaign := func(ctx context.Context, account, id int64) (ok bool, err error) {
		state, err = s.store.CampaignState(ctx, account, id)
		return state != nil, err
	}
	if !slices.Contains(audience.Kinds, in.Kind) {
		f.Add("/kind", "must be one of %s", strings.Join(audience.Kinds, ", "))
	}
	for _, c := range []struct {
		at   string
		id   int64
		kind string
		has  func(ctx context.Context, account, id int64) (bool, error)
	}{{"list", in.List, audience.Contacts, s.store.HasList}, {"campaign", in.Campaign, audience.Audience, hasCampaign}} {
		if c.id == 0 {
			continue
		}
		ok, err := c.has(ctx, who.Account, c.id)
		switch {
		case err != nil:
			return err
		case in.Kind != c.kind:
			f.Add("/"+c.at, "only imports with kind=%s have one", c.kind)
		case !ok:
			f.Add("/"+c.at, "no such %s", c.at)
		}
	}
	o := &in.Options
	file := contactimport.Options{
		Format: contactimport.Format(o.Format), Delimiter: o.Delimiter, Encoding: o.Encoding, DefaultCountry: o.DefaultCountry,
		PhoneColumn: o.PhoneColumn, Map: o.Map,
	}
	if err := file.Check(); err != nil {
		f = append(f, dispatch.AsError(err).Faults...)
	}
	if err := slices.Concat(in.Faults, f.Apart(in.Faults)).Err(); err != nil || state == nil {
		return err
	}
	_, err := state.Check(campaign.Edit)
	return err
}

// change makes a change of an import and writes its audit entry in the same
// transaction.
func (s *Service) change(ctx context.Context, who admin.Actor, action string, f func(Tx) (audience.Import, error)) error {
	return s.store.Change(ctx, who.Name, func(tx Tx) (account.Note, error) {
		i, err := f(tx)
		return account.Note{
			Account: who.Account, Action: action, Target: "import:" + strconv.FormatInt(i.ID, 10),
			Detail: map[string]any{"kind": i.Kind, "status": i.Status, "dry_run": i.Options().DryRun},
		}, err
	})
}

// Finish closes an upload: its rows are imported from now on. It changes nothing
// of an import whose upload is closed.
func (s *Service) Finish(ctx context.Context, who admin.Actor, id int64, file string) (*Import, error) {
	return s.act(ctx, who, id, "import.start", audience.Uploading, func(tx Tx) (audience.Import, error) {
		return tx.StartImport(ctx, who.Account, id, file)
	}, audience.Running, audience.Done, audience.Stopped)
}

// Continue imports a stopped file however many of its rows are bad.
func (s *Service) Continue(ctx context.Context, who admin.Actor, id int64) (*Import, error) {
	return s.act(ctx, who, id, "import.continue", audience.Stopped, func(tx Tx) (audience.Import, error) {
		return tx.ContinueImport(ctx, who.Account, id)
	}, audience.Running, audience.Done)
}

// Undo takes back what an import created or changed, unless it was changed again
// since.
func (s *Service) Undo(ctx context.Context, who admin.Actor, id int64) (*Import, error) {
	return s.act(ctx, who, id, "import.undo", "", func(tx Tx) (audience.Import, error) {
		return tx.UndoImport(ctx, who.Account, id)
	}, audience.Undone)
}

// act makes a change of an import with the status from ("": any but those of
// already) and none of one that is already where the change leads.
func (s *Service) act(
	ctx context.Context, who admin.Actor, id int64, action, from string, f func(Tx) (audience.Import, error), already ...string,
) (*Import, error) {
	i, err := s.store.Import(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	for _, status := range already {
		if i.Status == status && (from != "" || !i.Undo || status == audience.Undone) {
			return view(&i), nil
		}
	}
	err = s.change(ctx, who, action, func(tx Tx) (audience.Import, error) {
		if i, err = tx.Import(ctx, who.Account, id); err != nil {
			return i, err
		}
		if from != "" && i.Status != from {
			return i, &dispatch.Error{Code: dispatch.Conflict, Msg: "the import is " + i.Status}
		}
		i, err = f(tx)
		return i, err
	})
	if err != nil {
		return nil, err
	}
	return view(&i), nil
}

const chunk = 1 << 20

// Receive appends src to an upload at an offset: bytes that were received before
// are skipped. What was stored stays if src breaks off. Returns dispatch.Conflict
// if the upload is closed or ends before the offset, dispatch.TooLarge for a file
// over 1 GB, else what src returned.
func (s *Service) Receive(ctx context.Context, who admin.Actor, id, offset int64, src io.Reader) (received int64, err error) {
	i, err := s.store.Import(ctx, who.Account, id)
	switch {
	case err != nil:
		return 0, err
	case i.Status != audience.Uploading:
		return i.Received, dispatch.Errorf(dispatch.Conflict, "the import is %s", i.Status)
	case offset > i.Received:
		return i.Received, dispatch.Errorf(dispatch.Conflict, "the offset is beyond the %d bytes that were received", i.Received)
	}
	if _, err := io.CopyN(io.Discard, src, i.Received-offset); err != nil {
		return i.Received, ended(err)
	}
	most := int64(contactimport.MaxBytes)
	if i.Options().Format == string(contactimport.XLSX) {
		most = contactimport.MaxXLSXBytes
	}
	return s.receive(ctx, who, &i, most, src)
}

func (s *Service) receive(ctx context.Context, who admin.Actor, i *audience.Import, most int64, src io.Reader) (int64, error) {
	buf := make([]byte, chunk)
	for {
		n, err := fill(src, buf)
		if i.Received+int64(n) > most {
			return i.Received, dispatch.Errorf(dispatch.TooLarge, "the file is larger than %d bytes", most)
		}
		if e := s.store.Append(ctx, who.Account, i.ID, i.Received, buf[:n]); e != nil {
			return i.Received, e
		}
		i.Received += int64(n)
		if err != nil {
			return i.Received, ended(err)
		}
	}
}

// fill reads until buf is full, or src ends or breaks off: io.ReadFull has one error
// for both, and a file of which a part is missing must not be taken for a whole one.
func fill(src io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = src.Read(buf[n:])
		n += k
	}
	return n, err
}

// ended returns nil at the end of a body.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Abort ends an upload that broke off and that nobody can go on with.
func (s *Service) Abort(ctx context.Context, who admin.Actor, id int64, reason string) error {
	return s.store.FailUpload(ctx, who.Account, id, reason)
}
