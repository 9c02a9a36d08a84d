// Package audience turns the audience of a campaign into the rows of its ledger:
// who each row is, whether the person can be sent to, what their message would
// be and when they are due. Launching writes these rows, validating counts them.
package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	store "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// Store reads audiences and the people in them.
type Store interface {
	ListEntries(ctx context.Context, account, list, after int64, limit int) ([]store.Entry, error)
	ImportEntries(ctx context.Context, account, id, after int64, limit int) ([]store.Entry, error)
	Imports(ctx context.Context, account, id, named int64) ([]int64, error)
	Persons(ctx context.Context, account int64, ids []string) (map[string]int64, error)
	HeldBack(ctx context.Context, account int64, recipients []string, marketing bool) (map[string]bool, error)
}

// PageSize is how many rows of an audience are read at once.
const PageSize = 2000

// Source is the audience of a campaign that is about to be launched, or running.
type Source struct {
	Account   int64
	Campaign  int64
	Audience  *campaign.Audience
	Renderer  *campaign.Renderer
	Timing    *campaign.Timing
	Launch    time.Time
	Marketing bool // a stop of marketing holds back its messages
	LateSkips bool // who is late from the beginning is skipped
	brief     bool // rows are for the ledger: without Values and Rendering

	imports []int64 // nil: not looked for yet
}

// Cursor is the place in an audience up to which it was read. Its zero value is
// the beginning.
type Cursor struct {
	Part  int   `json:"part,omitempty"`  // 0: contacts, then each list, then each import
	After int64 `json:"after,omitempty"` // the last one read of the part
	Seq   int   `json:"seq,omitempty"`   // rows read so far
}

// Row is a row of the ledger to be, with its rendering where it has one.
type Row struct {
	store.Recipient

	Line        int // in the imported file; 0: from elsewhere
	Name        string
	TimeZone    string // the contact's own
	Values      campaign.Fields
	Rendering   campaign.Rendering
	AccountZone bool // the account's zone stands in for the recipient's
}

// Page reads the next page of the audience and judges each row. known returns
// which of the persons came in an earlier page. done reports that the page is
// the last one.
func (s *Source) Page(
	ctx context.Context, db Store, at Cursor, known func(context.Context, []string) (map[string]bool, error),
) (rows []Row, next Cursor, done bool, err error) {
	if s.imports == nil {
		if s.imports, err = db.Imports(ctx, s.Account, s.Campaign, s.Audience.Import); err != nil {
			return nil, at, false, err
		}
	}
	var entries []store.Entry
	for len(entries) == 0 {
		if at.Part > len(s.Audience.Lists)+len(s.imports) {
			return nil, at, true, nil
		}
		if entries, err = s.read(ctx, db, at); err != nil {
			return nil, at, false, err
		}
		if len(entries) == 0 {
			at.Part, at.After = at.Part+1, 0
		}
	}
	rows = make([]Row, len(entries))
	for i := range entries {
		at.Seq++
		rows[i] = s.row(&entries[i], at.Seq)
	}
	at.After = entries[len(entries)-1].At
	return rows, at, false, s.judge(ctx, db, rows, known)
}

// read reads the next entries of the part.
func (s *Source) read(ctx context.Context, db Store, at Cursor) ([]store.Entry, error) {
	if lists := len(s.Audience.Lists); at.Part > lists {
		return db.ImportEntries(ctx, s.Account, s.imports[at.Part-lists-1], at.After, PageSize)
	}
	if at.Part > 0 {
		return db.ListEntries(ctx, s.Account, s.Audience.Lists[at.Part-1], at.After, PageSize)
	}
	contacts := s.Audience.Contacts
	contacts = contacts[min(int(at.After), len(contacts)):]
	contacts = contacts[:min(PageSize, len(contacts))]
	out := make([]store.Entry, len(contacts))
	for i := range contacts {
		c := &contacts[i]
		fields, err := json.Marshal(c.Fields)
		if err != nil {
			return nil, fmt.Errorf("encode fields: %w", err)
		}
		out[i] = store.Entry{At: at.After + int64(i) + 1, To: c.To, Name: c.Name, TimeZone: c.TimeZone, Fields: string(fields)}
	}
	return out, nil
}

// row reads an entry: who it is, where they live, when they are due.
func (s *Source) row(e *store.Entry, seq int) Row {
	r := Row{Line: e.Line, Name: e.Name, TimeZone: e.TimeZone}
	r.Seq, r.Status, r.To, r.WakeAt = seq, campaign.Waiting, e.To, s.Launch
	if !s.brief || !r.plain(e) {
		r.values(e)
	}
	if e.Bad != "" {
		r.skip(campaign.BadNumber, "to", e.Bad)
		return r
	}
	if e164, err := phone.Parse(e.To); err == nil {
		r.To, r.Person = e164, &e164
	} else {
		r.skip(campaign.BadNumber, "to", dispatch.AsError(err).Msg)
		if id := person.ID(e.To); id != "" { // perhaps a provider has named somebody so
			r.Person = &id
		}
	}
	if s.Timing.OfRecipient() {
		zones, ok := zone.Person{Contact: e.TimeZone, Lists: []string{e.ListZone}, Number: r.To}.Zones()
		r.Zones, r.AccountZone = string(zones), !ok
	}
	due, gone := s.Timing.Due(zone.Set(r.Zones), s.Launch)
	if r.WakeAt = due; gone && s.LateSkips && r.Status == campaign.Waiting {
		r.skip(campaign.TooLate, "", "the recipient's own "+due.Format("15:04")+" had gone by at the launch")
	}
	return r
}

// plain keeps the fields of an entry, if they are plain texts, as they are written. It reports whether they are.
func (r *Row) plain(e *store.Entry) bool {
	var room [16]campaign.Field
	f, ok := campaign.ParsePlain(room[:0], e.Fields)
	if r.Fields = e.Fields; ok && e.Name != "" && f.Get("name") == "" {
		r.Fields = campaign.AddField(e.Fields, "name", e.Name)
	}
	return ok
}

// values reads the fields of an entry. Those of plain texts, as nearly all are, are
// kept as they are written.
func (r *Row) values(e *store.Entry) {
	var plain bool
	var err error
	if r.Values, plain, err = campaign.ParseFields(e.Fields); err != nil || r.Values == nil {
		r.Values = campaign.Fields{}
	}
	named := e.Name != "" && r.Values["name"] == ""
	if named {
		r.Values["name"] = e.Name
	}
	switch r.Fields = e.Fields; {
	case !plain:
		b, _ := json.Marshal(r.Values) // texts: cannot fail
		r.Fields = string(b)
	case named:
		r.Fields = campaign.AddField(e.Fields, "name", e.Name)
	}
}

func (r *Row) skip(why campaign.Reason, field, detail string) {
	r.Status, r.Reason, r.Field, r.Detail = campaign.Skipped, why, field, detail
}

// judge decides by the database who of a page is skipped, and renders
// the messages of those that are left.
func (s *Source) judge(ctx context.Context, db Store, rows []Row, known func(context.Context, []string) (map[string]bool, error)) error {
	if err := s.identify(ctx, db, rows); err != nil {
		return err
	}
	if err := dedupe(ctx, rows, known); err != nil {
		return err
	}
	var tos []string
	for i := range rows {
		if rows[i].Status == campaign.Waiting {
			tos = append(tos, rows[i].To)
		}
	}
	held, err := db.HeldBack(ctx, s.Account, tos, s.Marketing)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		switch {
		case r.Status != campaign.Waiting:
		case held[r.To]:
			r.skip(campaign.Suppressed, "", "the recipient has opted out of messages")
		default:
			s.render(r)
		}
	}
	return nil
}

func (s *Source) render(r *Row) {
	var out campaign.Rendering
	var problem *campaign.Problem
	if s.brief {
		problem = s.Renderer.Check(r.Fields)
	} else {
		out, problem = s.Renderer.Render(r.Values)
	}
	if problem != nil {
		r.skip(problem.Reason, problem.Field, problem.Detail)
		return
	}
	r.Rendering = out
}

// identify replaces the ids of persons of whom several are known by the person's
// number, and takes back a bad number that is a known id.
func (s *Source) identify(ctx context.Context, db Store, rows []Row) error {
	var ids []string
	for i := range rows {
		if rows[i].Person != nil {
			ids = append(ids, *rows[i].Person)
		}
	}
	persons, err := db.Persons(ctx, s.Account, ids)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if r.Person == nil {
			continue
		}
		person, ok := persons[*r.Person]
		bad := r.Reason == campaign.BadNumber
		switch {
		case ok && bad:
			r.To, r.Status, r.Reason, r.Field, r.Detail = *r.Person, campaign.Waiting, 0, "", ""
			fallthrough
		case ok:
			r.Person = new(fmt.Sprintf("person:%d", person))
		case bad:
			r.Person = nil
		}
	}
	return nil
}

// dedupe skips the rows of persons that came before.
func dedupe(ctx context.Context, rows []Row, known func(context.Context, []string) (map[string]bool, error)) error {
	var persons []string
	for i := range rows {
		if p := rows[i].Person; p != nil {
			persons = append(persons, *p)
		}
	}
	before, err := known(ctx, persons)
	if err != nil {
		return err
	}
	if before == nil {
		before = map[string]bool{}
	}
	for i := range rows {
		r := &rows[i]
		if r.Person == nil {
			continue
		}
		if before[*r.Person] {
			r.Person = nil
			r.skip(campaign.Duplicate, "to", "the person came earlier in the audience")
			continue
		}
		before[*r.Person] = true
	}
	return nil
}
