// Package sociocs implements Sociocs' API (page "Send message"): text, media or a
// template through a Twilio or Gupshup channel, at once or on a schedule, with
// the recipient saved as a contact on request.
package sociocs

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

const keyHeader = "apikey"

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "sociocs",
		Header:     keyHeader,
		Credential: dialect.HeaderKey(keyHeader),
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: "/message", Decode: decode, Accept: accept, Doc: sendDoc},
			{Method: http.MethodGet, Path: "/team-members", Read: readTeam, Doc: teamDoc},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// vendor is the provider and kind of channel that a value of "provider" means.
type vendor struct{ provider, kind string }

var vendors = map[string]vendor{
	"twlo":   {"twilio", "sms"},
	"twlowa": {"twilio", "whatsapp"},
	"gswa":   {"gupshup", "whatsapp"},
}

// decode reads the request. The draft holds all its faults, including those of the
// recipient's number, because the page documents an array of them: accept adds those
// that only it can find.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	provider := o.Required("provider")
	v, known := vendors[provider]
	if !known && provider != "" {
		o.Fault("provider", "must be one of twlo, twlowa, gswa")
	}
	d := dispatch.Draft{
		Channel:   strings.TrimSpace(o.Required("channel_key")),
		ChannelBy: dispatch.ByKey,
		Provider:  v.provider,
		Kind:      v.kind,
		To:        recipient(o, dialect.RegionOf(r)),
		SendAt:    schedule(o),
		Contact:   contact(o),
		UserID:    o.Text("user_id"),
	}
	if !d.SendAt.IsZero() {
		d.SendGrace = grace
	}
	before := len(o.Faults())
	d.Content, d.Variables = content(o, provider)
	if len(o.Faults()) > before { // whose consequences are no faults of their own
		d.Content, d.Variables = dispatch.Content{}, nil
	}
	o.Hold(&d, fields)
	d.FaultsFirst = false // it has one status for all, and words for what does not exist
	return []dispatch.Draft{d}, nil
}

// fields maps the page's fields to ours where accept checks them, too.
var fields = dialect.Pointers{"/channel_key": "/channel", "/schedule": "/send_at", "/contact_saving": "/contact"}

// recipient reads to.
func recipient(o dialect.Object, region string) string {
	to := o.Required("to")
	if strings.TrimSpace(to) != "" {
		if _, err := phone.ParseIn(to, region); person.ID(to) == "" { // what may be a wa_id is looked up by accept
			o.Note(err)
		}
	}
	return to
}

// grace is how far in the past a schedule may lie and still mean now:
// clocks differ and requests take time.
const grace = 60 * time.Second

// layouts are the ISO 8601 forms with an offset; without one the time would be
// ambiguous.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07",
	"20060102T150405Z0700", "20060102T150405Z07",
}

// schedule reads the time of sending; zero means at once. Whether it has
// passed is checked by accept, which recognises repeats of requests in time.
func schedule(o dialect.Object) time.Time {
	s := strings.TrimSpace(o.Text("schedule"))
	if s == "" {
		return time.Time{}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return dialect.Given(t.UTC())
		}
	}
	o.Fault("schedule", "must be an ISO 8601 date and time with its offset, such as 2006-01-02T15:04:05-04:00")
	return time.Time{}
}

// contact reads contact_saving; nil when nothing is to be saved. list_id 0 is
// "All Contacts". A name without contact_saving is ignored.
func contact(o dialect.Object) *dispatch.ContactSave {
	in := o.Object("contact_saving")
	c := dispatch.ContactSave{Name: o.Text("name"), ListID: in.Int("list_id"), Fields: in.Keep("extra_fields")}
	if c.ListID < 0 {
		in.Fault("list_id", "must not be negative")
	}
	if !in.Bool("save") {
		return nil
	}
	return &c
}

// member is one entry of GET /team-members.
type member struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
}

// readTeam returns the users whose id a message may name as user_id.
func readTeam(ctx context.Context, src dialect.Reader, a dialect.Account, _ *http.Request) (dialect.Reply, error) {
	users, err := src.Users(ctx, a.ID)
	if err != nil {
		return dialect.Reply{}, err
	}
	team := make([]member, 0, len(users))
	for _, u := range users {
		team = append(team, member{UserID: u.ID, Name: u.Name, Email: u.Email})
	}
	return dialect.Reply{Status: http.StatusOK, Body: success{Status: "success", Data: team}}, nil
}
