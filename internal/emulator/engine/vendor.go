package engine

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Vendor implements one provider's wire format, as a value of functions. It
// holds no state and decides nothing: it reads requests, writes the answers that
// the Server decided on, and makes signed callbacks.
type Vendor struct {
	// Name is the provider's, as in dispatch.Channel.Provider.
	Name string
	// Owns reports whether a request's path belongs to the provider.
	Owns func(path string) bool
	// Address returns what requests name a channel by (Meta's phone_number_id,
	// an account and sender). Several channels may share it.
	Address func(ch *dispatch.Channel) string
	// Read reads a request. It returns the send, for the Server to decide on
	// (Channel, To and, where the request carries one, Ref are set), or, for all
	// else (a check, a list, refused credentials or a refused body), nil and the
	// finished answer.
	Read func(s *Server, r *http.Request, body []byte) (*Send, Answer)
	// Reply returns the answer to a send with that outcome: Accepted (m.ID is
	// set), Throttled, Failing or Invalid.
	Reply func(m *Send, o Outcome) Answer
	// Callback returns the signed request that reports the events, all of one
	// address (and channel, unless the vendor has apps), at most MaxBatch of them.
	Callback func(ch *dispatch.Channel, url string, es []Event) Callback
	// Inbound returns the signed request of a contact's message.
	Inbound func(ch *dispatch.Channel, url string, in Inbound) Callback
	// App returns what the channels of one app have in common, whose callbacks one
	// address takes; nil: every number has an address of its own.
	App func(ch *dispatch.Channel) string
	// MaxBatch is the number of statuses that the provider puts in one callback.
	MaxBatch int
	// Remembers keeps accepted sends for Server.Sent and Server.SentTo, for
	// providers that can be asked about them.
	Remembers bool
}

// vendor returns the vendor of the name, or nil.
func (s *Server) vendor(name string) *Vendor {
	for _, v := range s.vendors {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// vendorFor returns the vendor to which a request's path belongs, or nil.
func (s *Server) vendorFor(path string) *Vendor {
	for _, v := range s.vendors {
		if v.Owns(path) {
			return v
		}
	}
	return nil
}

// Send is one message as a Vendor read it, and what the Server decided on it.
type Send struct {
	Channel     *dispatch.Channel
	To          string // E.164
	Ref         string // our message id, where the provider's request carries it
	CallbackURL string // where the request itself names one (Twilio's StatusCallback)
	Memo        any    // what the vendor needs again when it is asked about the message

	ID   string    // of the accepted message: 32 hex digits
	At   time.Time // of arrival
	Base time.Time // when the provider had processed it

	vendor *Vendor
	plan   []step // the callbacks to come
	gap    time.Duration
}

// Event is a change of status of an accepted message.
type Event struct {
	*Send
	Status dispatch.Status // Sent, Delivered, Read or Failed
	When   time.Time
	step   uint8 // of its plan
}

// Answer is the response to a client.
type Answer struct {
	Status int
	Header [][2]string // besides Content-Type
	Body   []byte      // JSON, unless Header names another type
}

// Callback is a request to the service under test.
type Callback struct {
	URL    string // empty: the address that it was made for
	Header [][2]string
	Body   []byte
}

// Inbound is a message from a contact.
type Inbound struct {
	ID   string // 32 hex digits
	From string // E.164
	Text string
	At   time.Time
}

// JSON returns an answer whose body is v.
func JSON(status int, v any) Answer {
	b, err := json.Marshal(v)
	if err != nil {
		b = []byte(`{}`) // maps of strings and numbers always marshal
	}
	return Answer{Status: status, Body: b}
}

// UUID returns 32 hex digits as a UUID is written.
func UUID(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// Unix returns t as decimal Unix seconds.
func Unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// SecretURL returns the callback address of a channel whose provider signs
// nothing.
func SecretURL(ch *dispatch.Channel, to string) string {
	return to + "/" + url.PathEscape(ch.Secrets["callback_secret"])
}

// write sends the answer.
func (a Answer) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	for _, kv := range a.Header {
		h.Set(kv[0], kv[1])
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

var jsonType = []string{"application/json"}
