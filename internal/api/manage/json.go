package manage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// maxDepth is how deep JSON may nest: Postgres' jsonb has limits of its own.
const maxDepth = 100

// checkJSON says whether body is one JSON value that Postgres can keep: UTF-8,
// no NUL, no number beyond a float64.
func checkJSON(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return dispatch.Errorf(dispatch.Malformed, "the body is empty; a JSON object is expected")
	}
	if !dialect.Storable(string(body)) {
		return dispatch.Errorf(dispatch.Malformed, "the body must be UTF-8 without NUL characters")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			return dispatch.Errorf(dispatch.Malformed, "not valid JSON at byte %d: %s", se.Offset, se.Error())
		}
		return dispatch.Errorf(dispatch.Malformed, "not valid JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return dispatch.Errorf(dispatch.Malformed, "there is more after the JSON value")
	}
	var f dispatch.Faults
	checkValue(&f, "", v, 0)
	return f.Err()
}

// checkValue notes what can't be kept.
func checkValue(f *dispatch.Faults, at string, v any, depth int) {
	if depth > maxDepth {
		f.Add(at, "nests deeper than %d levels", maxDepth)
		return
	}
	switch v := v.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			f.Add(at, "must not hold NUL characters")
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			f.Add(at, "the number is out of range")
		}
	case []any:
		for i, item := range v {
			checkValue(f, at+"/"+strconv.Itoa(i), item, depth+1)
		}
	case map[string]any:
		for name, item := range v {
			step := at + "/" + dialect.Escape(name)
			if strings.IndexByte(name, 0) >= 0 {
				f.Add(at, "must not have NUL characters in the name of a field")
				continue
			}
			checkValue(f, step, item, depth+1)
		}
	}
}

// opt is a field of a change that may be left out, be null or have a value.
type opt[T any] struct {
	Set   bool
	Value *T
}

// UnmarshalJSON notes that the field was there.
func (o *opt[T]) UnmarshalJSON(b []byte) error {
	o.Set, o.Value = true, nil
	return json.Unmarshal(b, &o.Value)
}

// Schema is that of T or null.
func (opt[T]) Schema(r huma.Registry) *huma.Schema {
	var v *T
	s := *schemaOf(r, v)
	s.Nullable = true
	return &s
}

// loose is JSON that is checked elsewhere.
type loose json.RawMessage

// UnmarshalJSON keeps the text.
func (l *loose) UnmarshalJSON(b []byte) error {
	*l = bytes.Clone(b)
	return nil
}

// Schema takes anything.
func (loose) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// object is a JSON object of any fields, written anew so that it can be kept.
type object json.RawMessage

// UnmarshalJSON drops what encoding/json can't write again, such as half of a
// surrogate pair.
func (o *object) UnmarshalJSON(b []byte) error {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return err
	}
	if v == nil {
		v = map[string]any{}
	}
	clean, err := json.Marshal(v)
	*o = clean
	return err
}

// MarshalJSON writes what was kept.
func (o object) MarshalJSON() ([]byte, error) {
	if len(o) == 0 {
		return []byte("{}"), nil
	}
	return o, nil
}

// Schema is an object's.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// decimal is an amount of credits, kept in millionths.
type decimal int64

var plainDecimal = regexp.MustCompile(`^(-?)(\d{1,9})(?:\.(\d{1,6})0*)?$`)

// UnmarshalJSON reads a number of at most nine digits before and six after the
// point.
func (d *decimal) UnmarshalJSON(b []byte) error {
	m := plainDecimal.FindStringSubmatch(string(b))
	if m == nil {
		*d = decimal(math.MinInt64)
		return nil
	}
	n, err := strconv.ParseInt(m[2]+(m[3] + "000000")[:6], 10, 64)
	if m[1] == "-" {
		n = -n
	}
	*d = decimal(n)
	return err
}

// check notes an amount that could not be read.
func (d decimal) check(f *dispatch.Faults, at string) {
	if d == math.MinInt64 {
		f.Add(at, "must be a plain number below a thousand million with at most six decimals")
	}
}

// MarshalJSON writes a number.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(store.Credits(int64(d))), nil }

// Schema is a number's.
func (decimal) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Description: "credits, with at most six decimals"}
}

// Paging is what every list takes.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many to answer at most."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The next_cursor of the page before."`
}

// after reads the cursor: what stood last on the page before.
func (p *Paging) after() (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || len(b) < 2 || b[0] != 'v' || !dialect.Storable(string(b)) {
		return "", badCursor()
	}
	return string(b[1:]), nil
}

// afterID reads a cursor that is a number; 0 is the first page.
func (p *Paging) afterID() (int64, error) {
	s, err := p.after()
	if s == "" || err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 1 {
		return 0, badCursor()
	}
	return id, nil
}

func badCursor() error { return dispatch.InvalidField("/cursor", "is not a next_cursor of this list") }

// pageOf makes a list's answer of up to limit+1 rows: the one too many says
// that there is another page. last names a row for the cursor.
func pageOf[T any](rows []T, limit int, last func(*T) string) middleware.List[T] {
	if len(rows) <= limit {
		return middleware.List[T]{Data: rows}
	}
	rows = rows[:limit]
	return middleware.List[T]{Data: rows, Next: base64.RawURLEncoding.EncodeToString([]byte("v" + last(&rows[limit-1])))}
}

// pageOfAll cuts a page out of all rows, which are in the order of their ids.
func pageOfAll[T any](all []T, p *Paging, id func(*T) int64) (middleware.List[T], error) {
	after, err := p.afterID()
	if err != nil {
		return middleware.List[T]{}, err
	}
	start := 0
	for start < len(all) && id(&all[start]) <= after {
		start++
	}
	rest := all[start:]
	return pageOf(rest[:min(len(rest), p.Limit+1)], p.Limit, func(t *T) string { return strconv.FormatInt(id(t), 10) }), nil
}

// keyActor names a caller in the audit log.
func keyActor(who *accept.Caller) string { return "key:" + strconv.FormatInt(who.Key.ID, 10) }

// target names what was changed in the audit log.
func target(kind string, id int64) string { return kind + ":" + strconv.FormatInt(id, 10) }

// phone reads a number or notes why it is none.
func phone(f *dispatch.Faults, at, s string) string {
	e164, err := dispatch.ParsePhone(s)
	if err != nil {
		f.Add(at, "%s", dispatch.AsError(err).Msg)
	}
	return e164
}

// IDPath is a path with one number in it.
type IDPath struct {
	ID int64 `path:"id" minimum:"1"`
}

// listIn asks for a list without filters.
type listIn struct{ Paging }
