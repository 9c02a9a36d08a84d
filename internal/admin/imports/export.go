package imports

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/audience"
)

// exports reads what files are written of, page by page.
type exports interface {
	BadRows(ctx context.Context, id int64, after, limit int) ([]audience.BadRow, error)
	FieldNames(ctx context.Context, account, list int64) ([]string, error)
	Contacts(ctx context.Context, account int64, f account.ContactFilter) (page []account.Contact, next int64, err error)
	Suppressed(ctx context.Context, account int64, after string, limit int) ([]audience.Suppressed, error)
}

const exportPage = 1000

// Errors writes the bad rows of an import as CSV: corrected, the file can be
// uploaded.
func (s *Service) Errors(ctx context.Context, who admin.Actor, id int64, w io.Writer) error {
	i, err := s.store.Import(ctx, who.Account, id)
	if err != nil {
		return err
	}
	info := contactimport.Info{Format: contactimport.Format(i.Options().Format)}
	_ = json.Unmarshal(i.Columns, &info.Columns) // ours
	out, err := contactimport.NewErrorWriter(w, info.ErrorColumns())
	for after := 0; err == nil; {
		var rows []audience.BadRow
		if rows, err = s.store.BadRows(ctx, id, after, exportPage); err != nil || len(rows) == 0 {
			break
		}
		for k := range rows {
			if err := writeBad(out, &rows[k]); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1].Row
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func writeBad(out *contactimport.ErrorWriter, r *audience.BadRow) error {
	var p contactimport.Problem
	var cells []string
	_, _ = json.Unmarshal(r.Problem, &p), json.Unmarshal(r.Cells, &cells) // ours
	return out.WriteRow(r.Line, &p, cells)
}

// Contacts writes the contacts of the account, or of one of its lists, as CSV.
func (s *Service) Contacts(ctx context.Context, who admin.Actor, list int64, w io.Writer) error {
	if list > 0 {
		if ok, err := s.store.HasList(ctx, who.Account, list); err != nil || !ok {
			return orNotFound(err)
		}
	}
	fields, err := s.store.FieldNames(ctx, who.Account, list)
	if err != nil {
		return err
	}
	out, err := contactimport.NewContactWriter(w, fields)
	if err != nil {
		return err
	}
	f := account.ContactFilter{List: list, Limit: exportPage}
	for {
		cs, next, err := s.store.Contacts(ctx, who.Account, f)
		if err != nil {
			return err
		}
		for k := range cs {
			c := &cs[k]
			row := contactimport.Contact{Phone: c.Phone, WaID: c.WaID, UserID: c.UserID, Name: c.Name, TimeZone: c.TimeZone, Fields: c.Fields}
			if err := out.WriteContact(&row); err != nil {
				return err
			}
		}
		if f.After = next; next == 0 {
			return out.Flush()
		}
	}
}

func orNotFound(err error) error {
	if err == nil {
		return dispatch.ErrNotFound
	}
	return err
}

// Suppressions writes the suppressions of the account as CSV.
func (s *Service) Suppressions(ctx context.Context, who admin.Actor, w io.Writer) error {
	out := contactimport.NewWriter(w)
	if err := out.Write("phone", "wa_id", "user_id", "scope", "reason", "detail", "created_at"); err != nil {
		return err
	}
	for after := ""; ; {
		ps, err := s.store.Suppressed(ctx, who.Account, after, exportPage)
		if err != nil {
			return err
		}
		if len(ps) == 0 {
			return out.Flush()
		}
		for k := range ps {
			p := &ps[k]
			who := admin.PersonOf(p.Value)
			if err := out.Write(who.Phone, who.WaID, who.UserID, p.Scope, p.Reason, p.Detail, p.CreatedAt.UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		after = ps[len(ps)-1].Value
	}
}
