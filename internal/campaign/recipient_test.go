package campaign

import (
	"slices"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestStatus_Names(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Statuses {
		if got, ok := ParseStatus(s.String()); !ok || got != s || seen[s.String()] {
			t.Errorf("%d is %q is %d", s, s, got)
		}
		seen[s.String()] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d statuses", len(seen))
	}
	if s, ok := ParseStatus("lost"); ok {
		t.Errorf("lost is %s", s)
	}
}

// Every status of a message is one of its row.
func TestOfMessage(t *testing.T) {
	t.Parallel()
	for _, s := range []dispatch.Status{
		dispatch.Queued, dispatch.Sending, dispatch.Sent, dispatch.Delivered, dispatch.Read,
		dispatch.Failed, dispatch.Expired, dispatch.Cancelled, dispatch.Unknown,
	} {
		got := OfMessage(s)
		if got.String() != s.String() || got.Finished() != s.Finished() {
			t.Errorf("%s becomes %s, finished %v", s, got, got.Finished())
		}
	}
	if got := OfMessage(dispatch.Scheduled); got != Held {
		t.Errorf("scheduled becomes %s", got)
	}
	if Waiting.Finished() || Held.Finished() || !Skipped.Finished() || !HeldForQuality.Finished() {
		t.Error("waiting or held is finished, or skipped is not")
	}
}

func TestReason_Names(t *testing.T) {
	t.Parallel()
	want := []string{
		"suppressed", "duplicate", "bad_number", "missing_field", "invalid_content", "capped", "late", "outside_window", "delivered_meanwhile",
	}
	var got []string
	for _, r := range Reasons() {
		if back, ok := ParseReason(r.String()); !ok || back != r {
			t.Errorf("%s is %s", r, back)
		}
		got = append(got, r.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("reasons %v", got)
	}
	if r, ok := ParseReason("no_reason"); ok {
		t.Errorf("no_reason is %s", r)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for code, want := range map[dispatch.ErrorCode]bool{
		dispatch.FailRecipient: false, dispatch.FailSuppressed: false, dispatch.FailWindow: false, dispatch.FailTemplate: true,
		dispatch.FailContent: false, dispatch.FailCredentials: true, dispatch.FailAccount: true, dispatch.FailBalance: true,
		dispatch.FailThrottled: true, dispatch.FailProvider: true, dispatch.FailUnreachable: true, dispatch.FailUnclear: false,
		dispatch.FailUndelivered: true, dispatch.FailNotDelivered: true, dispatch.FailExpired: false, dispatch.FailInternal: true, "new": false,
	} {
		wait, ok := RetryAfter(code)
		if ok != want || slices.Contains(RetryCodes(), code) != want {
			t.Errorf("%s: %v", code, ok)
		}
		if day := 24 * time.Hour; (wait == day) != (code == dispatch.FailNotDelivered) {
			t.Errorf("%s waits %s", code, wait)
		}
	}
}
