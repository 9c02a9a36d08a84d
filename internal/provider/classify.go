package provider

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Rule is what one of a provider's own codes means to us.
type Rule struct {
	Kind     Kind
	Scope    Scope
	Code     dispatch.ErrorCode
	Suppress bool
	Wait     time.Duration // before another try, where the contract names a time and the answer doesn't
}

// Answer is a provider's answer that isn't an acceptance, as its client read it.
type Answer struct {
	Status int
	Header http.Header
	Code   string // the provider's own code; empty when the body isn't one the contract knows
	Msg    string // the provider's text, secrets already taken out (Redact)
}

// Classify explains a refusal: the provider's own code decides where its table
// has it, because the HTTP status lies (Meta throttles with 400, and its code 3
// is permanent but comes as 500); for all else the class of the HTTP status.
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

// ruleForStatus is the rule where no code helps. A 5xx without a body that the
// contract knows may come from a gateway that passed the message on, so its
// outcome isn't known; a 2xx that names no message isn't either.
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

// maxRetryAfter bounds what a provider may ask for, so that a broken header
// doesn't park a channel for ever.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads the header of that name, which holds seconds or an HTTP date
// (RFC 9110, 10.2.3). Zero: none, or none that makes sense.
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

// maxDetail is how much of a provider's text is kept with an attempt.
const maxDetail = 512

// Redact prepares a provider's text for attempts and logs: it takes the
// channel's secrets out (Meta quotes a malformed token in its answer) and cuts
// it to a length worth storing.
func Redact(ch *dispatch.Channel, s string) string {
	for _, secret := range ch.Secrets {
		if len(secret) > 3 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}
