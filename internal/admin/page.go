package admin

import (
	"encoding/base64"
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Page is one page of a list.
type Page[T any] struct {
	Data []T    `json:"data"`
	Next string `json:"next_cursor,omitempty" doc:"The cursor of the next page, also after a short or empty one; left out on the last."`
}

// Paging selects a page of a list. Without a Limit it is the whole list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"The most entries to return."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The next_cursor of the previous page."`
}

// most is the limit of a list that has none.
const most = 1_000_000

// most returns how many entries the page has at most.
func (p *Paging) most() int {
	if p.Limit == 0 {
		return most
	}
	return p.Limit
}

// rows returns how many rows to read: one more than the page has shows that
// there is another page.
func (p *Paging) rows() int {
	if p.Limit == 0 {
		return most
	}
	return p.Limit + 1
}

// after returns the last entry of the previous page as its cursor names it, ""
// for the first page. It returns dispatch.Invalid for a cursor of another form.
func (p *Paging) after() (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || len(b) < 2 || b[0] != 'v' || !storable.Text(string(b)) {
		return "", badCursor()
	}
	return string(b[1:]), nil
}

// afterID is after for lists by id; 0 is the first page.
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

// AfterID returns the last id of the previous page; 0 is the first page.
func (p *Paging) AfterID() (int64, error) { return p.afterID() }

// PageUpTo returns a page, and the cursor of the next one if next, the last id that
// was looked at, is not 0.
func PageUpTo[R, T any](rows []R, next int64, view func(*R) T) Page[T] {
	out := Page[T]{Data: make([]T, len(rows))}
	for i := range rows {
		out.Data[i] = view(&rows[i])
	}
	if next != 0 {
		out.Next = cursorOf(idCursor(next))
	}
	return out
}

func cursorOf(last string) string { return base64.RawURLEncoding.EncodeToString([]byte("v" + last)) }

func badCursor() error { return dispatch.InvalidField("/cursor", "is not a next_cursor of this list") }

// pageOf returns the page that rows begin with; cursor names a row.
func pageOf[R, T any](p *Paging, rows []R, view func(*R) T, cursor func(*R) string) Page[T] {
	out := Page[T]{Data: []T{}}
	n := len(rows)
	if p.Limit > 0 && n > p.Limit {
		n = p.Limit
		out.Next = cursorOf(cursor(&rows[n-1]))
	}
	for i := range n {
		out.Data = append(out.Data, view(&rows[i]))
	}
	return out
}

// pageOfAll returns the page of a whole list in the order of the ids.
func pageOfAll[R, T any](p *Paging, all []R, view func(*R) T, id func(*R) int64) (Page[T], error) {
	rest, err := rest(p, all, id)
	if err != nil {
		return Page[T]{}, err
	}
	return pageOf(p, rest, view, func(r *R) string { return idCursor(id(r)) }), nil
}

// rest returns what follows the previous page in a whole list.
func rest[R any](p *Paging, all []R, id func(*R) int64) ([]R, error) {
	after, err := p.afterID()
	if err != nil {
		return nil, err
	}
	start := 0
	for start < len(all) && id(&all[start]) <= after {
		start++
	}
	return all[start:], nil
}

func idCursor(id int64) string { return strconv.FormatInt(id, 10) }
