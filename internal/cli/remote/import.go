package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	api "github.com/sendoff/sendoff/client"
	"github.com/sendoff/sendoff/internal/cli/console"
)

// Import is the command import.
type Import struct {
	Flags
	File        string   `arg:"" type:"path" help:"CSV, NDJSON or XLSX file."`
	Kind        string   `enum:"contacts,suppressions,audience" default:"contacts" help:"What the rows become: ${enum}."`
	List        int      `help:"Id of the list to add contacts to." placeholder:"ID"`
	Campaign    int      `help:"Id of the campaign to add an audience to." placeholder:"ID"`
	Country     string   `help:"Country of numbers without + or 00, as DE." placeholder:"CC"`
	PhoneColumn string   `help:"Name of the column with the numbers. Default: found." placeholder:"NAME"`
	Delimiter   string   `help:"One of , ; tab |. Default: found." placeholder:"CHAR"`
	Encoding    string   `help:"Such as windows-1252. Default: found." placeholder:"NAME"`
	Map         []string `sep:"none" help:"column:field, repeatable: phone, name, time_zone, wa_id, user_id, fields.X, -." placeholder:"MAP"`
	KeepFields  bool     `help:"Contacts that exist stay as they are."`
	DryRun      bool     `help:"Count only, write nothing."`
	Force       bool     `help:"Go on even if over 20 % of the first 1,000 rows are bad."`
}

const (
	octets      = "application/octet-stream"
	pieceSize   = 4 << 20
	pieceTries  = 5
	reportEvery = 500 * time.Millisecond
)

// importReport is an import as the API returns it.
type importReport struct {
	ID         int64   `json:"id"`
	Kind       string  `json:"kind"`
	Status     string  `json:"status"`
	Error      string  `json:"error,omitempty"`
	DryRun     bool    `json:"dry_run"`
	Received   int64   `json:"received"`
	Lines      int64   `json:"lines"`
	Created    int64   `json:"created"`
	Updated    int64   `json:"updated"`
	Unchanged  int64   `json:"unchanged"`
	Duplicate  int64   `json:"duplicate"`
	Suppressed int64   `json:"suppressed"`
	Bad        int64   `json:"bad"`
	FinishedAt *string `json:"finished_at"`
}

func (i *importReport) id() string { return strconv.FormatInt(i.ID, 10) }

// read reads the state of the import.
func (i *importReport) read(ctx context.Context, cl *client) error {
	return cl.poll(ctx, i, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetImportsId(ctx, i.id()) })
}

// Run uploads the file, waits until its rows are imported and prints the report.
func (c *Import) Run(e *console.Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	i, err := c.load(e, cl)
	if err != nil {
		return err
	}
	return errors.Join(c.report(e, i), i.failed())
}

// failed returns an error unless the import ended as done.
func (i *importReport) failed() error {
	if i.Status != "done" {
		return fmt.Errorf("import %d %s: %s", i.ID, i.Status, i.Error)
	}
	return nil
}

// load uploads the file and waits until the import of its rows has ended.
func (c *Import) load(e *console.Env, cl *client) (*importReport, error) {
	var i importReport
	f, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", console.ErrUsage, err)
	}
	defer func() { _ = f.Close() }()
	p := newProgress(e, c.JSON)
	defer p.end()
	_, err = cl.ask(e.Ctx, &i, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostImportsWithBody(ctx, c.settings(), octets, nil)
	})
	if err != nil {
		return nil, err
	}
	if err := upload(e.Ctx, cl, &i, f, p); err != nil {
		return nil, err
	}
	err = cl.poll(e.Ctx, &i, func(ctx context.Context, cl *client) (*http.Response, error) {
		return cl.PostImportsIdFinish(ctx, i.id())
	})
	if err != nil {
		return nil, err
	}
	return &i, follow(e.Ctx, cl, &i, p)
}

// settings returns the settings of the import.
func (c *Import) settings() *api.PostImportsParams {
	p := &api.PostImportsParams{
		Kind: given(c.Kind), DefaultCountry: given(c.Country), PhoneColumn: given(c.PhoneColumn), Delimiter: given(c.Delimiter),
		Encoding: given(c.Encoding), List: given(c.List), Campaign: given(c.Campaign), DryRun: given(c.DryRun), Force: given(c.Force),
	}
	if c.KeepFields {
		p.Update = new("none")
	}
	if len(c.Map) > 0 {
		p.Map = &c.Map
	}
	return p
}

// upload sends the file in pieces. After a broken connection it goes on with what
// the API has not received.
func upload(ctx context.Context, cl *client, i *importReport, f *os.File, p *progress) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	piece := make([]byte, pieceSize)
	for tries := 0; i.Received < info.Size(); {
		n, err := f.ReadAt(piece, i.Received)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		before := i.Received
		err = cl.poll(ctx, i, func(ctx context.Context, cl *client) (*http.Response, error) {
			at := &api.PutImportsIdParams{Offset: new(int(before))}
			return cl.PutImportsIdWithBody(ctx, i.id(), at, octets, bytes.NewReader(piece[:n]))
		})
		if errors.Is(err, errUnanswered) && tries < pieceTries && ctx.Err() == nil {
			err = i.read(ctx, cl)
		}
		if err != nil && !errors.Is(err, errUnanswered) {
			return err
		}
		if tries++; i.Received > before {
			tries = 0
		} else if tries > pieceTries {
			return fmt.Errorf("upload of %s: %w", filepath.Base(f.Name()), cmp.Or(err, errUnanswered))
		}
		p.show("uploaded", i.Received, info.Size())
	}
	return nil
}

// follow waits until an import has ended.
func follow(ctx context.Context, cl *client, i *importReport, p *progress) error {
	for i.Status == "running" || i.Status == "uploading" {
		if !pause(ctx, reportEvery) {
			return fmt.Errorf("import %d goes on without this command: %w", i.ID, ctx.Err())
		}
		if err := i.read(ctx, cl); err != nil && !errors.Is(err, errUnanswered) {
			return err
		}
		p.show("rows", i.Lines, 0)
	}
	return nil
}

// report prints the counts.
func (c *Import) report(e *console.Env, i *importReport) error {
	if c.JSON {
		return c.show(e, func(ctx context.Context, cl *client) (*http.Response, error) { return cl.GetImportsId(ctx, i.id()) })
	}
	fmt.Fprintf(e.Stdout, "import %d %s: %d lines = %d created + %d updated + %d unchanged + %d duplicate + %d suppressed + %d bad\n",
		i.ID, i.Status, i.Lines, i.Created, i.Updated, i.Unchanged, i.Duplicate, i.Suppressed, i.Bad)
	if i.Bad > 0 {
		fmt.Fprintf(e.Stdout, "the bad rows: GET /v1/imports/%d/errors.csv\n", i.ID)
	}
	return nil
}
