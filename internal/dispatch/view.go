package dispatch

import (
	"encoding/json"
	"time"
)

// View is a message as readers of the API see it. Its JSON form is the native
// API's.
type View struct {
	ID                ID              `json:"message_id"`
	Status            Status          `json:"-"`
	StatusName        string          `json:"status"`
	Account           int64           `json:"-"`
	Channel           int64           `json:"channel_id"`
	ChannelKind       string          `json:"-"`
	Sender            string          `json:"-"`
	Recipient         string          `json:"-"` // the id of a person that it was sent to
	To                Number          `json:"to" nullable:"true" doc:"The recipient's number; null if it went to a user id."`
	WaID              string          `json:"wa_id,omitempty" doc:"WhatsApp's own id of the recipient, where it is known and differs."`
	Username          string          `json:"username,omitempty" doc:"The recipient's name on WhatsApp, where it is known."`
	Type              Type            `json:"type"`
	Content           json.RawMessage `json:"content,omitempty"`
	Lane              string          `json:"lane"`
	Reference         string          `json:"reference,omitempty"`
	Metadata          json.RawMessage `json:"metadata,omitempty"`
	UserID            string          `json:"user_id,omitempty" doc:"The team member who sent it; else the user id that it went to."`
	Campaign          int64           `json:"campaign_id,omitempty"`
	ParentID          *ID             `json:"parent_id,omitempty"`   // the message whose fallback this is
	ChildID           *ID             `json:"fallback_id,omitempty"` // the fallback that was sent for it
	Test              bool            `json:"test,omitempty"`
	MaybeSent         bool            `json:"maybe_sent"`
	Anomaly           bool            `json:"anomaly,omitempty"`
	Receipt           string          `json:"receipt,omitempty"` // "none": sent, and no receipt within 72 h
	Attempts          int             `json:"attempts"`
	ProviderMessageID string          `json:"provider_message_id,omitempty"`
	Error             *ViewError      `json:"error,omitempty"`
	Segments          int             `json:"segments,omitempty"`
	Price             json.Number     `json:"price,omitempty"`
	SendAt            *time.Time      `json:"send_at,omitempty"`
	ExpiresAt         time.Time       `json:"expires_at"`
	WaitsFor          string          `json:"waits_for,omitempty"` // of an unfinished message; see package gate
	NextAttemptAt     *time.Time      `json:"next_attempt_at,omitempty"`
	Hold              Hold            `json:"-"`
	CreatedAt         time.Time       `json:"created_at"`
	UpdatedAt         time.Time       `json:"updated_at"`
	SentAt            *time.Time      `json:"sent_at,omitempty"`
	DeliveredAt       *time.Time      `json:"delivered_at,omitempty"`
	ReadAt            *time.Time      `json:"read_at,omitempty"`
	FailedAt          *time.Time      `json:"failed_at,omitempty"`
	Version           int             `json:"-"` // grows with every change: the ETag
}

// Hold is where an unfinished message stands in the queue.
type Hold struct {
	Wake, Due *time.Time
	Claimed   bool // a worker has had it before
	Resolving bool // the outcome of a call is not known
	Campaign  bool // its campaign is paused
}

// ViewError is the reason for which a message failed.
type ViewError struct {
	Code         string `json:"code"`
	ProviderCode string `json:"provider_code,omitempty"`
	Message      string `json:"message"`
}

// Filter narrows a list of messages, newest first.
type Filter struct {
	Statuses    []Status // any of them; empty: all
	Test        bool     // messages of test keys only
	Channel     int64
	To          string   // an id of a person
	ToAny       []string // all ids of that person; the store sets it
	From        string   // sender
	Reference   string
	Campaign    int64
	Type        Type
	Code        string // of the error
	Search      string // an id of a message finds that one, whatever else is set
	CreatedFrom time.Time
	CreatedTo   time.Time
	ByDue       bool // scheduled ones, by their send_at
	Limit       int
	Cursor      string
}

// ViewPage is one page of a list; Next is empty on the last.
type ViewPage struct {
	Views []View
	Next  string
}

// User is a team member of an account.
type User struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role"`
}
