package imports

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/audience"
)

// patience is how long a client may take to send the next piece.
const patience = 2 * time.Minute

// formats are the content types of files; "" is found out from the content.
var formats = map[string]contactimport.Format{
	"text/csv": contactimport.CSV, "application/csv": contactimport.CSV, "text/tab-separated-values": contactimport.CSV,
	"application/vnd.ms-excel": "", // what browsers on Windows call CSV
	"application/x-ndjson":     contactimport.NDJSON, "application/ndjson": contactimport.NDJSON, "application/jsonl": contactimport.NDJSON,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": contactimport.XLSX,
	"application/octet-stream": "", "text/plain": "", "": "",
}

// create creates an import, with its file unless the body is empty.
func (h *Handler) create(c echo.Context) error {
	in := input(c.QueryParams())
	if err := h.allow(c, in.Kind); err != nil {
		return err
	}
	f, err := open(c)
	if err != nil {
		return err
	}
	in.File, in.Options.Format = f.name, string(f.format)
	if err := tooLarge(c, f.format); err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	i, err := h.imports.Create(ctx, actor(c), in)
	if err != nil {
		return err
	}
	received, err := h.imports.Receive(ctx, actor(c), i.ID, 0, f.body)
	if err != nil {
		err = broken(err)
		return errors.Join(err, h.imports.Abort(ctx, actor(c), i.ID, dispatch.AsError(err).Msg))
	}
	if received > 0 || f.whole {
		if i, err = h.imports.Finish(ctx, actor(c), i.ID, f.name); err != nil {
			return err
		}
	}
	c.Response().Header().Set(echo.HeaderLocation, i.Location())
	return c.JSON(http.StatusAccepted, i)
}

// put adds bytes to an upload. What was received stays if the body breaks off.
func (h *Handler) put(c echo.Context, i *imports.Import) error {
	offset, err := strconv.ParseInt(c.QueryParam("offset"), 10, 64)
	if err != nil || offset < 0 {
		return dispatch.InvalidField("/offset", "must be the number of bytes before these")
	}
	ctx := context.WithoutCancel(c.Request().Context())
	if _, err := h.imports.Receive(ctx, actor(c), i.ID, offset, &patient{c: c, r: c.Request().Body}); err != nil {
		return broken(err)
	}
	if i, err = h.imports.Get(ctx, actor(c), i.ID); err != nil {
		return middleware.ReadError(err)
	}
	return c.JSON(http.StatusOK, i)
}

// broken returns the error of a body that ended early, unless err is one for
// the client.
func broken(err error) error {
	if _, ok := errors.AsType[*dispatch.Error](err); ok {
		return err
	}
	return &dispatch.Error{Code: dispatch.Malformed, Msg: "the request body ended unexpectedly", Err: err}
}

// file is the file of a request.
type file struct {
	body   io.Reader
	name   string
	format contactimport.Format
	whole  bool // it is a file even if it is empty
}

// open returns the file of a request: the body, or the part "file" of a form.
func open(c echo.Context) (*file, error) {
	r := c.Request()
	body := &patient{c: c, r: r.Body}
	mt, params, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if mt == "multipart/form-data" {
		return openForm(multipart.NewReader(body, params["boundary"]))
	}
	format, ok := formats[mt]
	if !ok {
		return nil, dispatch.Errorf(dispatch.UnsupportedMedia,
			"Content-Type %q is not text/csv, application/x-ndjson, a workbook (.xlsx) or multipart/form-data", mt)
	}
	return &file{body: body, format: format}, nil
}

func openForm(form *multipart.Reader) (*file, error) {
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, dispatch.InvalidField("/file", "the form has no part named file")
		}
		if part.FormName() != "file" {
			continue
		}
		mt, _, _ := mime.ParseMediaType(part.Header.Get(echo.HeaderContentType))
		return &file{body: part, name: part.FileName(), format: formats[mt], whole: true}, nil
	}
}

// tooLarge refuses a body whose length header exceeds the limit of a file.
func tooLarge(c echo.Context, format contactimport.Format) error {
	most := int64(contactimport.MaxBytes)
	if format == contactimport.XLSX {
		most = contactimport.MaxXLSXBytes
	}
	if c.Request().ContentLength > most+64<<10 {
		return dispatch.Errorf(dispatch.TooLarge, "the file is larger than %d bytes", most)
	}
	return nil
}

// patient reads a body of a client that may be slow, but not silent.
type patient struct {
	c echo.Context
	r io.Reader
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	_ = http.NewResponseController(p.c.Response().Writer).SetReadDeadline(time.Now().Add(patience))
	n, err := p.r.Read(b)
	if err != nil {
		_ = http.NewResponseController(p.c.Response().Writer).SetReadDeadline(time.Time{})
	}
	return n, err
}

// input reads the settings of an import from a query.
func input(q url.Values) *imports.Input {
	var f dispatch.Faults
	in := &imports.Input{
		Kind: q.Get("kind"), List: middleware.Whole(q, "list", &f), Campaign: middleware.Whole(q, "campaign", &f),
		Options: audience.Options{
			DefaultCountry: q.Get("default_country"), PhoneColumn: q.Get("phone_column"), Delimiter: q.Get("delimiter"), Encoding: q.Get("encoding"),
			Map: q["map"], DryRun: flag(&f, q, "dry_run"), Force: flag(&f, q, "force"),
		},
	}
	switch q.Get("update") {
	case "", "fields":
	case "none":
		in.Options.Keep = true
	default:
		f.Add("/update", "must be fields or none")
	}
	in.Faults = f
	return in
}

func flag(f *dispatch.Faults, q url.Values, name string) bool {
	switch q.Get(name) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	f.Add("/"+name, "must be true or false")
	return false
}
