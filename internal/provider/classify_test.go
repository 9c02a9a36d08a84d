package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

func TestClassify_CodeDecidesBeforeStatus(t *testing.T) {
	t.Parallel()
	table := map[string]provider.Rule{
		"3":      {Kind: provider.Permanent, Code: dispatch.FailAccount},
		"131056": {Kind: provider.Throttled, Scope: provider.ScopeRecipient, Code: dispatch.FailThrottled},
	}
	for _, c := range []struct {
		answer provider.Answer
		kind   provider.Kind
		scope  provider.Scope
		code   dispatch.ErrorCode
	}{
		{provider.Answer{Status: 500, Code: "3"}, provider.Permanent, provider.ScopeChannel, dispatch.FailAccount},
		{provider.Answer{Status: 400, Code: "131056"}, provider.Throttled, provider.ScopeRecipient, dispatch.FailThrottled},
		{provider.Answer{Status: 500, Code: "unheard of"}, provider.Uncertain, provider.ScopeChannel, dispatch.FailUnclear},
		{provider.Answer{Status: 502}, provider.Uncertain, provider.ScopeChannel, dispatch.FailUnclear},
		{provider.Answer{Status: 504}, provider.Uncertain, provider.ScopeChannel, dispatch.FailUnclear},
		{provider.Answer{Status: 429}, provider.Throttled, provider.ScopeChannel, dispatch.FailThrottled},
		{provider.Answer{Status: 401}, provider.Denied, provider.ScopeChannel, dispatch.FailCredentials},
		{provider.Answer{Status: 404}, provider.Permanent, provider.ScopeChannel, dispatch.FailContent},
		{provider.Answer{Status: 302}, provider.Permanent, provider.ScopeChannel, dispatch.FailProvider},
		{provider.Answer{Status: 200}, provider.Uncertain, provider.ScopeChannel, dispatch.FailUnclear},
	} {
		e := provider.Classify(c.answer, table)
		if e.Kind != c.kind || e.Scope != c.scope || e.Code != c.code {
			t.Errorf("%+v: got %s scope %d %s, want %s scope %d %s", c.answer, e.Kind, e.Scope, e.Code, c.kind, c.scope, c.code)
		}
		if e.Msg == "" {
			t.Errorf("%+v: no text", c.answer)
		}
	}
}

func TestRetryAfter_ReadsSecondsAndDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                0,
		"7":                               7 * time.Second,
		" 7 ":                             7 * time.Second,
		"-7":                              0,
		"99999999999999999":               24 * time.Hour,
		"999999999999999999999999999999":  0,
		"soon":                            0,
		"Fri, 02 Jan 2026 03:04:35 GMT":   30 * time.Second,
		"Fri, 02 Jan 2026 03:00:00 GMT":   0,
		"Friday, 02-Jan-26 03:04:15 GMT":  10 * time.Second,
		"Sat, 02 Jan 2027 03:04:35 GMT":   24 * time.Hour,
		"Fri, 02 Jan 2026 03:04:35 +0000": 0,
	} {
		if got := provider.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q: got %s, want %s", value, got, want)
		}
	}
}

func TestRedact_TakesSecretsOutAndCuts(t *testing.T) {
	t.Parallel()
	ch := &dispatch.Channel{Secrets: map[string]string{"access_token": "EAAB-secret", "empty": "", "short": "ab"}}
	got := provider.Redact(ch, "Malformed access token EAAB-secret, about\x00 "+strings.Repeat("é", 600))
	if strings.Contains(got, "EAAB") || strings.Contains(got, "\x00") {
		t.Errorf("secret or NUL left: %q", got)
	}
	if !strings.HasPrefix(got, "Malformed access token ***, about ") || len(got) > 520 {
		t.Errorf("unexpected text of %d bytes: %q", len(got), got)
	}
}
