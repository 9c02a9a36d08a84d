package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/store/audience"
)

// run is one import while this process runs it.
type run struct {
	store   writer
	i       *audience.Import
	lease   string
	reader  *contactimport.Reader
	columns int // described so far
	page    []audience.Row
	bytes   int // of page
}

// do runs the import and returns the status in which it ends, and why it failed.
func (r *run) do(ctx context.Context) (status, reason string, err error) {
	if r.i.Undo {
		return audience.Undone, "", r.takeBack(ctx)
	}
	err = r.read(ctx)
	switch {
	case err == nil:
		return audience.Done, "", nil
	case errors.Is(err, contactimport.ErrStopped):
		return audience.Stopped, err.Error(), nil
	case refusal(err) != "":
		return audience.Failed, refusal(err), nil
	}
	return "", "", err
}

func (r *run) takeBack(ctx context.Context) error {
	for {
		if done, err := r.store.TakeBack(ctx, r.i, r.lease); done || err != nil {
			return err
		}
	}
}

// read reads the file and applies its rows.
func (r *run) read(ctx context.Context) (err error) {
	o := r.i.Options()
	r.reader, err = contactimport.Open(r.store.Upload(ctx, r.i.ID), contactimport.Options{
		Format: contactimport.Format(o.Format), Delimiter: o.Delimiter, Encoding: o.Encoding, DefaultCountry: o.DefaultCountry,
		PhoneColumn: o.PhoneColumn, Map: o.Map, Scopes: r.i.Kind == audience.Suppressions, Force: o.Force,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.reader.Close()) }()
	r.i.Seen = audience.NewSeen()
	if err := r.describe(ctx); err != nil {
		return err
	}
	if r.reader.Stopped() {
		return r.reject(ctx)
	}
	return r.rows(ctx)
}

// describe notes what the file is, whenever more columns are known.
func (r *run) describe(ctx context.Context) error {
	info := r.reader.Info()
	if len(info.Columns) == r.columns && len(info.Columns) > 0 {
		return nil
	}
	r.columns = len(info.Columns)
	columns, err := json.Marshal(info.Columns)
	if err != nil {
		return err
	}
	return r.store.Describe(ctx, r.i.ID, r.lease, string(info.Format), info.Encoding, info.Delimiter, columns)
}

// rows applies the rows that are not counted yet, page by page.
func (r *run) rows(ctx context.Context) error {
	for {
		row, err := r.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cmp.Or(r.apply(ctx), err)
		}
		if int64(row.Number) <= r.i.Lines {
			r.i.Seen.Skip(new(pageRow(row)))
			continue
		}
		r.add(row)
		if len(r.page) == pageRows || r.bytes > pageBytes {
			if err := r.apply(ctx); err != nil {
				return err
			}
		}
	}
	r.columns = 0 // the encoding may be known better now
	return cmp.Or(r.apply(ctx), r.describe(ctx))
}

func (r *run) add(row *contactimport.Row) {
	r.page = append(r.page, pageRow(row))
	r.bytes += 200 + len(row.Fields)
	for _, c := range row.Cells {
		r.bytes += len(c)
	}
}

func (r *run) apply(ctx context.Context) error {
	if len(r.page) == 0 {
		return nil
	}
	page := r.page
	r.page, r.bytes = r.page[:0], 0
	if err := r.store.Apply(ctx, r.i, r.lease, page); err != nil {
		return err
	}
	return r.describe(ctx)
}

// reject keeps the bad rows of a file that is stopped.
func (r *run) reject(ctx context.Context) error {
	for {
		row, err := r.reader.Next()
		if err != nil {
			return cmp.Or(r.store.Reject(ctx, r.i, r.lease, r.page), err)
		}
		if row.Problem != nil {
			r.add(row)
		}
	}
}

// pageRow returns a row of a file as the store takes it.
func pageRow(row *contactimport.Row) audience.Row {
	out := audience.Row{
		Number: row.Number, Line: row.Line, Phone: row.Phone, WaID: row.WaID, UserID: row.UserID,
		Name: row.Name, TimeZone: row.TimeZone, Fields: row.Fields, Cells: row.Cells,
	}
	if p := row.Problem; p != nil {
		out.Problem = &audience.Problem{Column: p.Column, Value: p.Value, Reason: p.Reason}
	}
	return out
}
