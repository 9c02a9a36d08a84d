package provider

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Rule is the meaning of one of a provider's own codes.
type Rule struct {
	Kind     Kind
	Scope    Scope
	Code     dispatch.ErrorCode
	Suppress bool
	Wait     time.Duration // before the next attempt, where the contract names a time and the answer does not
}

// Answer is a provider's answer other than an acceptance, as its client read it.
type Answer struct {
	Status int
	Header http.Header
	Code   string // the provider's own code; empty if the contract does not describe the body
	Msg    string // the provider's text, redacted (Redact)
}

// Classify returns the error of an answer. The provider's own code decides if the
// table has it, because the HTTP status is unreliable (Meta throttles with 400,
// and its code 3 is permanent but comes as 500), else the class of the status.
func Classify(a Answer, table map[string]Rule) *Error {
	r, ok := table[a.Code]
	if !ok {
		r = ruleForStatus(a.Status)
	}
	e := &Error{
		Kind: r.Kind, Scope: r.Scope, Code: r.Code, Suppress: r.Suppress,
		Provider: a.Code, Msg: a.Msg, HTTP: a.Status,
	}
	if e.Msg == "" {
		e.Msg = strings.TrimSpace("HTTP " + strconv.Itoa(a.Status) + " " + http.StatusText(a.Status))
	}
	if r.Kind != Permanent {
		e.RetryAfter = cmp.Or(RetryAfter(a.Header, time.Now()), r.Wait)
	}
	return e
}

// ruleForStatus returns the rule for an answer without a known code. A 5xx whose
// body the contract does not describe may come from a gateway that passed the
// message on, so that its outcome is unknown, as is a 2xx without a message id.
func ruleForStatus(status int) Rule {
	switch {
	case status == http.StatusTooManyRequests:
		return Rule{Kind: Throttled, Code: dispatch.FailThrottled}
	case status == http.StatusUnauthorized:
		return Rule{Kind: Denied, Code: dispatch.FailCredentials}
	case status >= 300 && status < 400:
		return Rule{Kind: Permanent, Code: dispatch.FailProvider}
	case status >= 400 && status < 500:
		return Rule{Kind: Permanent, Code: dispatch.FailContent}
	}
	return Rule{Kind: Uncertain, Code: dispatch.FailUnclear}
}

// maxRetryAfter bounds the time that a provider can ask for, so that a broken
// header does not stop a channel for ever.
const maxRetryAfter = 24 * time.Hour

// RetryAfter returns the duration in the header Retry-After, which holds seconds
// or an HTTP date (RFC 9110, 10.2.3), or 0 if there is none or it is invalid.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Duration(min(max(s, 0), int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// maxForeign is how much is shown of plain text from an address that a channel's
// base_url names, in bytes: enough for a reason, not for a server's secrets.
const maxForeign = 80

// NoReason stands for the reason of a failure for which the provider names none.
const NoReason = "the provider named no reason"

// BodyText returns the reason in a body that is not in the contract: plain text, or
// what a JSON object has under one of the usual names; "" for markup and nothing.
// Of a server that base_url names it is the beginning of a line.
func BodyText(ch *dispatch.Channel, body []byte) string {
	s := strings.TrimSpace(string(body))
	if s != "" && strings.ContainsRune("{[<", rune(s[0])) {
		s = reasonIn(body)
	}
	if ch.Settings["base_url"] == "" {
		return s
	}
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > maxForeign {
		s = strings.ToValidUTF8(s[:maxForeign], "") + "…"
	}
	return s
}

// maxDetail is the longest text of a provider that is kept with an attempt, in bytes.
const maxDetail = 512

// Redact returns a provider's text for attempts and logs: without the channel's
// secrets (Meta quotes a malformed token in its answer), cut to maxDetail.
func Redact(ch *dispatch.Channel, s string) string {
	for _, secret := range ch.Secrets {
		if len(secret) > 3 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	s = storable.Clean(s)
	if len(s) > maxDetail {
		s = storable.Cut(s, maxDetail) + "…"
	}
	return s
}
