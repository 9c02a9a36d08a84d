package twilioapi

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
	"github.com/sendoff/sendoff/internal/storable"
)

// readMessage answers GET Messages/SM....json.
func readMessage(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	id, ok := messageID(r.PathValue("message"))
	if !ok {
		return dialect.Reply{}, dispatch.Errorf(dispatch.NotFound, "no such message")
	}
	v, err := src.Message(ctx, a.ID, id)
	if err != nil {
		return dialect.Reply{}, err
	}
	return dialect.Reply{Status: http.StatusOK, Body: fromView(a.SID, &v)}, nil
}

// mayRead refuses another account's path.
func mayRead(a dialect.Account, r *http.Request) error {
	if r.PathValue("sid") != a.SID {
		return wrongAccount()
	}
	return ownAccount(r)
}

// messageID reads "SM" + 32 hex digits + ".json". XML, which Twilio answers
// without the suffix, is not spoken here.
func messageID(name string) (dispatch.ID, bool) {
	sid, json := strings.CutSuffix(name, ".json")
	if !json || len(sid) != 34 || (!strings.HasPrefix(sid, "SM") && !strings.HasPrefix(sid, "MM")) {
		return dispatch.ID{}, false
	}
	id, err := uuid.Parse(sid[2:])
	return id, err == nil
}

// Paging is what each of Twilio's lists says of its page.
type Paging struct {
	FirstPageURI    string  `json:"first_page_uri" required:"true"`
	NextPageURI     *string `json:"next_page_uri" required:"true"`
	PreviousPageURI *string `json:"previous_page_uri" required:"true"`
	URI             string  `json:"uri" required:"true"`
	Page            int     `json:"page" required:"true"`
	PageSize        int     `json:"page_size" required:"true"`
	Start           int     `json:"start" required:"true"`
	End             int     `json:"end" required:"true"`
}

// onlyPage describes a list of n entries that has one page.
func onlyPage(uri string, n int) Paging {
	return Paging{FirstPageURI: uri, URI: uri, PageSize: max(n, defaultPageSize), End: max(n-1, 0)}
}

// page is Twilio's list of messages.
type page struct {
	Paging

	Messages []resource `json:"messages"`
}

// Page sizes (the OpenAPI file's, and its default).
const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// readList answers GET Messages.json, newest first. Pages are walked by
// next_page_uri; there is no way back but the first page.
func readList(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	q := r.URL.Query()
	size := min(max(number(q.Get("PageSize"), defaultPageSize), 1), maxPageSize)
	at := max(number(q.Get("Page"), 0), 0)
	s, err := newSearch(q, a.Region)
	if err != nil {
		return dialect.Reply{}, err
	}
	var found dispatch.ViewPage
	if !s.nothing {
		s.filter.Limit, s.filter.Cursor = size, q.Get("PageToken")
		if found, err = src.Messages(ctx, a.ID, s.filter); err != nil {
			return dialect.Reply{}, err
		}
	}
	p := page{Messages: []resource{}, Paging: Paging{
		PageSize: size, Page: at, Start: at * size, URI: r.URL.RequestURI(), FirstPageURI: pageURI(r, q, 0, size, ""),
	}}
	for i := range found.Views {
		if v := &found.Views[i]; s.matches(v) {
			p.Messages = append(p.Messages, fromView(a.SID, v))
		}
	}
	p.End = max(p.Start+len(p.Messages)-1, p.Start)
	if found.Next != "" {
		p.NextPageURI = new(pageURI(r, q, at+1, size, found.Next))
	}
	return dialect.Reply{Status: http.StatusOK, Body: p}, nil
}

// number reads a count and returns the default for what is none.
func number(s string, def int) int {
	if n, err := strconv.Atoi(s); err == nil && n < 1<<30 {
		return n
	}
	return def
}

// pageURI is the address of another page of the same search.
func pageURI(r *http.Request, q url.Values, at, size int, token string) string {
	next := url.Values{}
	maps.Copy(next, q)
	next.Set("PageSize", strconv.Itoa(size))
	next.Set("Page", strconv.Itoa(at))
	next.Del("PageToken")
	if token != "" {
		next.Set("PageToken", token)
	}
	return r.URL.Path + "?" + next.Encode()
}

// search is the filter of a list: the store narrows by number and by time of
// creation, the rest is looked at here, so that a page may come out short.
type search struct {
	filter         dispatch.Filter
	toKind         string
	fromKind       string
	sentFrom       time.Time
	sentTo         time.Time
	nothing, dated bool
}

// maxAhead is how long before its sending a message may have been made: with
// Twilio, SendAt lies at most 35 days ahead.
const maxAhead = 35 * 24 * time.Hour

// newSearch reads To, From, DateSent, DateSent< and DateSent>.
func newSearch(q url.Values, region string) (*search, error) {
	s := new(search)
	if to := q.Get("To"); to != "" {
		var err error
		s.toKind, s.filter.To = address(to)
		if s.filter.To, err = person.ParseQuery(s.filter.To, region); err != nil {
			s.nothing = true // nobody was ever sent to there
		}
	}
	if from := q.Get("From"); from != "" {
		s.fromKind, s.filter.From = address(from)
		if e164, err := phone.ParseQuery(s.filter.From, region); err == nil {
			s.filter.From = e164
		}
		s.nothing = s.nothing || !storable.Text(s.filter.From)
	}
	if err := s.dates(q); err != nil {
		return nil, err
	}
	if !s.sentFrom.IsZero() {
		s.filter.CreatedFrom = s.sentFrom.Add(-maxAhead)
	}
	s.filter.CreatedTo = s.sentTo
	return s, nil
}

// dates reads the three forms of DateSent: that day, on or before,
// on or after. A date alone means its whole day in UTC.
func (s *search) dates(q url.Values) error {
	for name, bounds := range map[string][2]bool{"DateSent": {true, true}, "DateSent>": {true, false}, "DateSent<": {false, true}} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		length := 24 * time.Hour
		from, err := time.Parse(time.DateOnly, text)
		if err != nil {
			length = time.Second
			if from, err = time.Parse(time.RFC3339, text); err != nil {
				return dispatch.InvalidField("/date_sent", "must be a date such as 2030-01-02 or a time such as 2030-01-02T15:04:05Z")
			}
		}
		if bounds[0] && bounds[1] { // SDKs write the day as its first second
			length, from = 24*time.Hour, from.UTC().Truncate(24*time.Hour)
		}
		s.dated = true
		if bounds[0] {
			s.sentFrom = from
		}
		if bounds[1] {
			s.sentTo = from.Add(length)
		}
	}
	return nil
}

// matches checks what the store can't.
func (s *search) matches(v *dispatch.View) bool {
	switch {
	case s.toKind != "" && s.toKind != v.ChannelKind, s.fromKind != "" && s.fromKind != v.ChannelKind:
		return false
	case !s.dated:
		return true
	case v.SentAt == nil, v.SentAt.Before(s.sentFrom):
		return false
	}
	return s.sentTo.IsZero() || v.SentAt.Before(s.sentTo)
}
