package emulator

import (
	"net/http"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// face speaks one provider's wire format, as a value of functions. It holds no
// state and decides nothing: it reads requests, words the answers that the
// Server decided on, and writes signed callbacks. To add one, write the
// functions in a file of the provider's name and add it to faces.
type face struct {
	// provider is its name, as in dispatch.Channel.Provider.
	provider string
	// owns says whether a request's path belongs to the provider.
	owns func(path string) bool
	// address is what requests name a channel by (Meta's phone_number_id, an
	// account and sender). Several channels may share it.
	address func(ch *dispatch.Channel) string
	// read reads a request. It gives the send, for the Server to decide on
	// (ch, to and, where the request carries one, ref are filled), or, for all
	// else (a check, a list, a refusal of credentials or body), nil and the
	// finished answer. Server.channels finds the channel, Server.history what
	// was accepted before.
	read func(s *Server, r *http.Request, body []byte) (*send, answer)
	// reply words the outcome of a send: accepted (m.id is set), throttled,
	// failing or invalid. The others have no answer.
	reply func(m *send, o outcome) answer
	// callback writes the signed request that reports the events, all of one
	// channel and address, at most maxBatch of them.
	callback func(ch *dispatch.Channel, url string, es []event) callback
	// inbound writes the signed request of a contact's message.
	inbound func(ch *dispatch.Channel, url string, in inbound) callback
	// maxBatch is how many statuses the provider puts in one callback.
	maxBatch int
	// remembers keeps accepted sends in Server.history, for providers that can
	// be asked about them.
	remembers bool
}

// faces are the providers that the emulator speaks.
var faces = []*face{&metaFace, &twilioFace, &gupshupFace, &kaleyraFace}

func faceOf(provider string) *face {
	for _, f := range faces {
		if f.provider == provider {
			return f
		}
	}
	return nil
}

func faceFor(path string) *face {
	for _, f := range faces {
		if f.owns(path) {
			return f
		}
	}
	return nil
}

// send is one message as a face read it, and what the Server made of it.
type send struct {
	face        *face
	ch          *dispatch.Channel
	to          string // E.164
	ref         string // our message id, where the provider's request carries it
	callbackURL string // where the request itself names one (Twilio's StatusCallback)
	memo        any    // what the face wants to know again when it is asked about the message

	id   string    // of the accepted message: 32 hex digits
	at   time.Time // of arrival
	base time.Time // when the provider had dealt with it
	plan []step    // the callbacks to come
	gap  time.Duration
}

// event is one thing that happened to an accepted message.
type event struct {
	*send
	step   uint8           // of its plan
	status dispatch.Status // Sent, Delivered, Read or Failed
	when   time.Time
}

// answer is what goes back to the client.
type answer struct {
	status int
	header [][2]string // besides Content-Type
	body   []byte      // JSON, unless header names another type
}

// callback is a request to the service under test.
type callback struct {
	url    string // empty: the address that it was made for
	header [][2]string
	body   []byte
}

// inbound is a message from a contact.
type inbound struct {
	id   string // 32 hex digits
	from string // E.164
	text string
	at   time.Time
}

// jsonAnswer makes an answer of JSON text.
func jsonAnswer(status int, body []byte) answer { return answer{status: status, body: body} }

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = jsonType
	for _, kv := range a.header {
		h.Set(kv[0], kv[1])
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

var jsonType = []string{"application/json"}
