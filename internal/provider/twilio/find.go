package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

const (
	// pageSize is how many messages to one recipient a query requests; Twilio
	// returns up to 1000, newest first.
	pageSize = 100
	// grain allows for Twilio's times, which have no fractions, and for two
	// clocks that are kept; slack for one that isn't.
	grain, slack = 2 * time.Second, 2 * time.Minute
)

var _ provider.Finder = (*Client)(nil)

// resource is a Message as Twilio shows it. Numbers come as text, times as RFC
// 2822, and what is unknown is null.
type resource struct {
	SID         provider.Scalar `json:"sid"`
	Status      provider.Scalar `json:"status"`
	To          provider.Scalar `json:"to"`
	From        provider.Scalar `json:"from"`
	Service     provider.Scalar `json:"messaging_service_sid"`
	Body        provider.Scalar `json:"body"`
	NumMedia    provider.Scalar `json:"num_media"`
	Direction   provider.Scalar `json:"direction"`
	ErrorCode   provider.Scalar `json:"error_code"`
	ErrorText   provider.Scalar `json:"error_message"`
	DateCreated provider.Scalar `json:"date_created"`
	DateUpdated provider.Scalar `json:"date_updated"`
}

type list struct {
	Messages []resource `json:"messages"`
	NextPage *string    `json:"next_page_uri"`
}

// Find searches Twilio's message list for m when it is unknown whether it
// arrived. The list shows neither StatusCallback nor any id of ours, so a
// candidate is an outgoing message to m's recipient, by our sender or service,
// with m's text, made no earlier than m's first call could be.
//
//   - One: found, and at least sent. It may still be another message of ours
//     with the same text, made meanwhile, so the caller must not give one
//     provider id to two messages.
//   - None, nor any up to two minutes before that time, should a clock be wrong:
//     Twilio doesn't have it. That is only returned when the page reached back to
//     there; and only of a call that is over, so ask at the end of the resolve
//     window, not at its beginning.
//   - All else (two alike, one that is a little too old, a page that ends too
//     early) is unknown.
//
// Texts are compared by their letters and digits: Twilio replaces other
// characters (smart encoding) and puts words before a trial account's. What it
// made itself, such as a template's text, can't be compared: every message to
// the recipient counts, which is the cautious side.
//
// DateSent isn't asked for, although Twilio can filter by it: a message that
// still waits in Twilio's queue has none and would seem absent.
func (c *Client) Find(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (dispatch.StatusUpdate, bool, error) {
	q := url.Values{"To": {address(ch, m.To)}, "PageSize": {fmt.Sprint(pageSize)}}
	if ch.Settings["messaging_service_sid"] == "" {
		q.Set("From", address(ch, ch.Sender))
	}
	var page list
	if err := c.get(ctx, ch, messagesURL(ch)+"?"+q.Encode(), &page); err != nil {
		return dispatch.StatusUpdate{}, false, fmt.Errorf("list messages: %w", err)
	}
	if page.Messages == nil {
		return dispatch.StatusUpdate{}, false, errors.New("the answer is no list of messages")
	}
	hits, err := page.candidates(ch, m)
	if err != nil {
		return dispatch.StatusUpdate{}, false, err
	}
	if len(hits) == 0 {
		return dispatch.StatusUpdate{}, false, nil
	}
	u, err := hits[0].update(ch, c.now())
	u.ID = m.ID
	return u, err == nil, err
}

// candidates returns the one message of the list that m may be, or none when the
// list shows that there is none; an error when it doesn't tell.
func (l *list) candidates(ch *dispatch.Channel, m *dispatch.Message) ([]resource, error) {
	begin := start(m)
	var hits []resource
	early, complete := 0, l.NextPage == nil || *l.NextPage == ""
	for _, r := range l.Messages {
		made, err := time.Parse(time.RFC1123Z, string(r.DateCreated))
		if err != nil {
			return nil, fmt.Errorf("date_created of %s: %w", r.SID, err)
		}
		switch {
		case made.Before(begin.Add(-slack)):
			complete = true
		case !r.candidate(ch, m):
		case made.Before(begin.Add(-grain)):
			early++
		default:
			hits = append(hits, r)
		}
	}
	switch {
	case len(hits) > 1:
		return nil, fmt.Errorf("%d messages look alike", len(hits))
	case len(hits) == 0 && early > 0:
		return nil, errors.New("one that looks alike is a little too old")
	case len(hits) == 0 && !complete:
		return nil, fmt.Errorf("the newest %d messages don't reach back far enough", pageSize)
	}
	return hits, nil
}

// candidate reports whether r can be m.
func (r *resource) candidate(ch *dispatch.Channel, m *dispatch.Message) bool {
	if string(r.To) != address(ch, m.To) || strings.HasPrefix(string(r.Direction), "inbound") || r.Direction == "outbound-reply" {
		return false
	}
	if service := ch.Settings["messaging_service_sid"]; service != "" {
		if string(r.Service) != service {
			return false
		}
	} else if r.From != "" && string(r.From) != address(ch, ch.Sender) {
		return false
	}
	switch {
	case m.Content.Type == dispatch.TypeText:
		return r.Body != "" && m.Content.Text != nil && strings.HasSuffix(plain(string(r.Body)), plain(m.Content.Text.Body))
	case m.Content.Type.Media():
		return string(r.NumMedia) == fmt.Sprint(1+len(m.Content.MoreMedia))
	}
	return true
}

// plain leaves a text's letters and digits.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// Fetch reads one message from Twilio by its sid: the way to learn what became
// of a message whose callback is lost.
func (c *Client) Fetch(ctx context.Context, ch *dispatch.Channel, sid string) (dispatch.StatusUpdate, error) {
	var r resource
	if err := c.get(ctx, ch, accountURL(ch)+"/Messages/"+url.PathEscape(sid)+".json", &r); err != nil {
		return dispatch.StatusUpdate{}, fmt.Errorf("fetch message: %w", err)
	}
	return r.update(ch, c.now())
}

// update returns the status of the resource as evidence.
func (r *resource) update(ch *dispatch.Channel, now time.Time) (dispatch.StatusUpdate, error) {
	u, ok := update(string(r.Status), string(r.ErrorCode), string(r.ErrorText))
	if !ok {
		return u, fmt.Errorf("status %q of %s says nothing", r.Status, r.SID)
	}
	u.Channel, u.ProviderID, u.At, u.Detail = ch.ID, string(r.SID), now, provider.Redact(ch, u.Detail)
	u.Recipient = strings.TrimPrefix(string(r.To), whatsAppPrefix)
	if at, err := time.Parse(time.RFC1123Z, string(r.DateUpdated)); err == nil && at.Before(now) {
		u.At = at
	}
	return u, nil
}

// Check reads the account. A standard API key may not read it, so with one
// the message list is asked instead (twilio.com/docs/iam/api-keys).
func (c *Client) Check(ctx context.Context, ch *dispatch.Channel) error {
	if ch.Settings["api_key_sid"] != "" {
		return c.get(ctx, ch, messagesURL(ch)+"?PageSize=1", &list{})
	}
	var account struct {
		Status string `json:"status"`
	}
	if err := c.get(ctx, ch, accountURL(ch)+".json", &account); err != nil {
		return err
	}
	if account.Status != "" && account.Status != "active" {
		return &provider.Error{
			Kind: provider.Denied, Code: dispatch.FailAccount, HTTP: http.StatusOK, Msg: "the Twilio account is " + account.Status,
		}
	}
	return nil
}
