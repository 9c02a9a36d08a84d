// Package campaign is the domain of campaigns: what they are, which of their
// states allows what, how a message is rendered for a recipient, when each
// recipient is due, and how long it all takes. It holds no SQL and no HTTP.
package campaign

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/zone"
)

// Definition is a campaign as it was asked for. Its JSON form is that
// of the API and is what is stored.
type Definition struct {
	Name        string                `json:"name"`
	Channel     Ref                   `json:"channel,omitempty"` // id or key; empty: the account's default channel
	Type        dispatch.Type         `json:"type"`
	Template    *Template             `json:"template,omitempty"`
	Text        *dispatch.Text        `json:"text,omitempty"`
	Image       *dispatch.Media       `json:"image,omitempty"`
	Video       *dispatch.Media       `json:"video,omitempty"`
	Audio       *dispatch.Media       `json:"audio,omitempty"`
	Document    *dispatch.Media       `json:"document,omitempty"`
	Sticker     *dispatch.Media       `json:"sticker,omitempty"`
	Location    *dispatch.Location    `json:"location,omitempty"`
	Contacts    json.RawMessage       `json:"contacts,omitempty"`
	Interactive *dispatch.Interactive `json:"interactive,omitempty"`
	MoreMedia   []dispatch.Media      `json:"more_media,omitempty"`

	Audience   Audience    `json:"audience"`
	StartAt    *zone.Wall  `json:"start_at,omitempty"` // nil: at launch
	TimeZone   string      `json:"time_zone"`
	LocalStart bool        `json:"local_start"`    // StartAt is each recipient's own wall time
	Rate       float64     `json:"rate,omitempty"` // messages a second; 0: the channel's
	QuietHours *QuietHours `json:"quiet_hours,omitempty"`
	Late       Late        `json:"late"`
	TTLSeconds int64       `json:"ttl_seconds,omitempty"`
	// PauseAtErrorRate is a share of the last results, from 0 to 1; 0: never.
	PauseAtErrorRate float64     `json:"pause_at_error_rate,omitempty"`
	Canary           *Canary     `json:"canary,omitempty"`
	Cap              *Cap        `json:"cap,omitempty"`
	Recurrence       *Recurrence `json:"recurrence,omitempty"`
}

// Ref is a channel's id or key.
type Ref string

// UnmarshalJSON takes 1, "1" and "ch_...".
func (r *Ref) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(r))
	}
	var n int64
	err := json.Unmarshal(b, &n)
	*r = Ref(b)
	return err
}

// MarshalJSON writes an id as a number, as it is given.
func (r Ref) MarshalJSON() ([]byte, error) {
	if n, err := strconv.ParseInt(string(r), 10, 64); err == nil && n > 0 {
		return strconv.AppendInt(nil, n, 10), nil
	}
	return json.Marshal(string(r))
}

// Language is a template's language: "en", or as Meta writes it {"code": "en"}.
type Language string

// UnmarshalJSON takes both forms.
func (l *Language) UnmarshalJSON(b []byte) error {
	var full dispatch.Language
	err := json.Unmarshal(b, &full)
	*l = Language(full.Code)
	return err
}

// Template names a template of the registry and holds its values, as in
// POST /v1/messages.
type Template struct {
	ID                 int64                `json:"id,omitempty"`
	Name               string               `json:"name,omitempty"`
	Language           Language             `json:"language,omitempty"`
	ProviderTemplateID string               `json:"provider_template_id,omitempty"`
	Components         []dispatch.Component `json:"components,omitempty"`
	Variables          Variables            `json:"variables,omitzero"`
	HeaderMediaURL     string               `json:"header_media_url,omitempty"`
}

// Variables are a template's values by position or by name.
type Variables struct {
	List  []string
	Named map[string]string
}

// Audience is who gets the campaign: the union of its parts, each person once.
type Audience struct {
	Lists    []int64 `json:"lists,omitempty"`
	Import   int64   `json:"import,omitempty"`
	Contacts []Row   `json:"contacts,omitempty"`
}

// QuietHours are the hours in which nobody is written to.
type QuietHours struct {
	From string   `json:"from"`
	To   string   `json:"to"`
	Zone string   `json:"zone"` // recipient, account or an IANA zone
	Days []string `json:"days"` // on which a quiet window begins: mon to sun
}

// The special values of QuietHours.Zone.
const (
	ZoneOfRecipient = "recipient"
	ZoneOfAccount   = "account"
)

// Late is what happens to a recipient whose first window has gone by.
type Late string

// The policies.
const (
	LateHold Late = "hold" // the recipient waits for the next window
	LateSkip Late = "skip" // the recipient is skipped with reason late
)

// Recurrence repeats a campaign.
type Recurrence struct {
	RRule         string `json:"rrule"`
	SkipIfRunning *bool  `json:"skip_if_running"` // default true
}

// TTL is how long after a recipient was due a message is still worth sending:
// ttl_seconds, else that of the bulk lane.
func (d *Definition) TTL() time.Duration {
	if d.TTLSeconds > 0 {
		return time.Duration(d.TTLSeconds) * time.Second
	}
	return dispatch.Bulk.TTL()
}
