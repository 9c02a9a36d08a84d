package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/wait"
)

// outcome is what a recipient ends in.
type outcome struct {
	status string
	copies int
	maybe  bool
	code   string // our error code, where one follows from the number
}

// magic maps the last digits of recipients to their outcomes, for providers
// whose 500 means that the message was not processed and that report reading.
var magic = map[string]outcome{
	"0100": {"delivered", 1, false, ""},
	"0101": {"delivered", 1, false, ""},
	"0102": {"delivered", 1, false, ""},
	"0103": {"failed", 0, false, ""},
	"0104": {"failed", 0, false, "invalid_recipient"},
	"0105": {"delivered", 1, true, ""},
	"0106": {"read", 1, false, ""},
	"0107": {"sent", 1, false, ""},
	"0108": {"failed", 1, false, ""},
	"0109": {"delivered", 1, false, ""},
	"0110": {"delivered", 1, true, ""},
}

// magicOf is magic as a channel has it: Kaleyra's SMS can't be read, and
// Twilio's 500 (20500) may have been processed.
func magicOf(channel, digits string) outcome {
	o := magic[digits]
	switch {
	case digits == "0106" && channel == "kaleyra sms": // its SMS has no receipt of reading
		o.status = "delivered"
	case digits == "0104" && channel != "meta whatsapp" && channel != "twilio sms" && channel != "twilio whatsapp":
		o.code = "" // Gupshup and Kaleyra answer with the code of any fault
	case digits == "0102" && (channel == "twilio sms" || channel == "twilio whatsapp"):
		o.maybe = true
	case digits == "0103" && (channel == "twilio sms" || channel == "twilio whatsapp"):
		o.status, o.maybe = "unknown", true
	}
	return o
}

// body is a message that a channel can send at any time.
func (s *stack) body(channel, to string) string {
	ch := s.channels[channel]
	at := fmt.Sprintf(`"channel":%q,"to":%q,`, ch.Key, to)
	switch {
	case ch.Kind == "sms":
		return "{" + at + `"type":"text","text":{"body":"Your order A-17 is on its way."}}`
	case s.ownTemplates[ch.Provider] != "":
		return "{" + at + fmt.Sprintf(
			`"type":"template","template":{"provider_template_id":%q,"variables":["Ada","Monday"]}}`,
			s.ownTemplates[ch.Provider],
		)
	}
	return order(to, fmt.Sprintf(`"channel":%q`, ch.Key))
}

func testMagic(t *testing.T, s *stack) {
	var channels []string
	for name := range s.channels {
		channels = append(channels, name)
	}
	slices.Sort(channels)
	for i, channel := range channels {
		for digits := range magic {
			t.Run(channel+" "+digits, func(t *testing.T) {
				t.Parallel()
				s.holdMagic(t, channel, fmt.Sprintf("+1555%03d%s", 300+i, digits), magicOf(channel, digits))
			})
		}
	}
}

// holdMagic sends one message and compares its outcome with the expected one.
func (s *stack) holdMagic(t *testing.T, channel, to string, want outcome) {
	t.Helper()
	id := s.send(t, s.body(channel, to)).ID
	s.becomes(t, id, want.status)
	// The answer or the timeout of the call may be stored after the callback: until then the
	// message is in doubt, and neither changes its status.
	var m message
	wait.For(t, patience, func() error {
		if m = s.message(t, id); m.MaybeSent != want.maybe {
			return fmt.Errorf("message %s to %s has maybe_sent %v", id, to, m.MaybeSent)
		}
		return nil
	})
	if n := s.copies(t, to); n != want.copies {
		t.Errorf("the provider accepted %d copies, want %d: %s", n, want.copies, s.timeline(t, id))
	}
	code := ""
	if m.Error != nil {
		code = m.Error.Code
	}
	if (code != "") != (want.status == "failed" || want.status == "unknown") || (want.code != "" && code != want.code) {
		t.Errorf("error code %q of a message that is %s", code, m.Status)
	}
	holdTimes(t, m)
}

// holdTimes checks that a delivered message was sent, and a read one sent and
// delivered.
func holdTimes(t *testing.T, m message) {
	t.Helper()
	switch m.Status {
	case "read":
		if m.ReadAt == nil || m.DeliveredAt == nil || m.SentAt == nil || m.ReadAt.Before(*m.DeliveredAt) ||
			m.DeliveredAt.Before(*m.SentAt) {
			t.Errorf("read at %v, delivered at %v, sent at %v", m.ReadAt, m.DeliveredAt, m.SentAt)
		}
	case "delivered":
		if m.DeliveredAt == nil || m.SentAt == nil || m.DeliveredAt.Before(*m.SentAt) {
			t.Errorf("delivered at %v, sent at %v", m.DeliveredAt, m.SentAt)
		}
	case "sent":
		if m.SentAt == nil || m.DeliveredAt != nil {
			t.Errorf("delivered at %v, sent at %v", m.DeliveredAt, m.SentAt)
		}
	case "failed":
		if m.FailedAt == nil {
			t.Error("failed without failed_at")
		}
	}
	if m.SentAt != nil && m.SentAt.Before(m.CreatedAt) {
		t.Errorf("sent at %v, before it was made at %v", m.SentAt, m.CreatedAt)
	}
}

// event is an entry of a message's timeline.
type event struct {
	Type    string `json:"type"`
	Outcome string `json:"outcome"`
	Cause   string `json:"cause"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

func (s *stack) events(t *testing.T, id string) []event {
	t.Helper()
	return as[struct {
		Data []event `json:"data"`
	}](t, s.call(t, http.MethodGet, "/v1/messages/"+id+"/events", "").want(t, http.StatusOK)).Data
}

func (s *stack) timeline(t *testing.T, id string) string {
	t.Helper()
	return fmt.Sprintf("%+v", s.events(t, id))
}

// Messages of a test key end the same way, at the emulator's stand-in.
func testTestKey(t *testing.T, s *stack) {
	to := "+15553900100"
	m := s.send(t, order(to), "Authorization", "Bearer "+s.testKey)
	if got := s.becomes(t, m.ID, "delivered"); !got.Test {
		t.Error("a test key's message is not marked as a test")
	}
	if rs := s.requests(t, to); len(rs) != 1 || !rs[0].Accepted {
		t.Errorf("the emulator received %+v", rs)
	}
}

func testSimulate(t *testing.T, s *stack) {
	to := "+15553910100"
	a := s.call(t, http.MethodPost, "/v1/messages", order(to, `"simulate":true`)).want(t, http.StatusOK)
	if m := as[message](t, a); m.Status != "simulated" || m.ID != "" {
		t.Errorf("simulated: %s", a.body)
	}
	list := s.call(t, http.MethodGet, "/v1/messages?to=%2B15553910100", "").want(t, http.StatusOK)
	if n := len(as[page](t, list).Data); n != 0 {
		t.Errorf("a simulation stored %d messages", n)
	}
}

// The 1,000 messages of mixed recipients that the first version had to pass.
func TestThousandMixed_EndAsPromised(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long")
	}
	s := start(t, options{})
	// Retries are slow on purpose (a budget keeps them from becoming a storm):
	// a hundred of the messages need some.
	retried := []string{"0101", "0102", "0103", "0105", "0110"}
	plain := []string{"0100", "0104", "0106", "0107", "0108", "0109"}
	type sent struct {
		to, id string
		want   outcome
	}
	var all []sent
	var body strings.Builder
	for i := range 1000 {
		d := plain[i%len(plain)]
		if i%10 == 0 {
			d = retried[i/10%len(retried)]
		}
		to := fmt.Sprintf("+155%04d%s", 6000+i, d)
		all = append(all, sent{to: to, want: magic[d]})
		body.WriteString(order(to) + "\n")
	}
	a := s.call(t, http.MethodPost, "/v1/messages/batch", body.String(), "Content-Type", "application/x-ndjson").
		want(t, http.StatusAccepted)
	for i, l := range lines(a.body) {
		all[i].id = as[line](t, answer{body: l}).ID
	}
	wait.For(t, 2*patience, func() error {
		for _, x := range all {
			if m := s.message(t, x.id); m.Status != x.want.status || m.MaybeSent != x.want.maybe {
				return fmt.Errorf("message to %s is %s, maybe_sent %v; want %s, %v", x.to, m.Status, m.MaybeSent, x.want.status, x.want.maybe)
			}
		}
		return nil
	})
	for _, x := range all {
		if m := s.message(t, x.id); m.MaybeSent != x.want.maybe || m.Status != x.want.status {
			t.Errorf("message to %s is %s, maybe_sent %v; want %s, %v", x.to, m.Status, m.MaybeSent, x.want.status, x.want.maybe)
		}
		if n := s.copies(t, x.to); n != x.want.copies {
			t.Errorf("the provider accepted %d copies to %s, want %d", n, x.to, x.want.copies)
		}
	}
}
