package message_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

func batch(f *front, key, body string) *apitest.Reply {
	return f.Ask("POST", "/v1/messages/batch", apitest.Sent{
		Headers: []string{"X-API-Key", key, "Content-Type", "application/x-ndjson"}, Body: body,
	})
}

// A key that may send nothing has its batch refused before it is read.
func TestBatch_KeyThatMaySendNothing_IsRefusedFirst(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	batch(f, f.NewKey(f.Account.ID, "view_messages", "manage"), strings.Repeat("{}\n", 10)).Refused(http.StatusForbidden, dispatch.Forbidden)
	if r := batch(f, f.NewKey(f.Account.ID, "send_media"), "{}\n"); r.Status != http.StatusAccepted {
		t.Errorf("a key that may send media: %d", r.Status)
	}
}

// Rejected messages count against the minute: what lies beyond it is answered
// with the limit.
func TestBatch_RejectedMessages_CountAgainstTheMinute(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	key, _ := f.NewKeyWith(func(k *account.Key) { k.PerMinute, k.PerSecond = 5, 100 })
	out := string(batch(f, key, strings.Repeat(`{"nothing":1}`+"\n", 8)).Body)
	if invalid, limited := strings.Count(out, `"validation_failed"`), strings.Count(out, `"rate_limited"`); invalid != 5 || limited != 3 {
		t.Errorf("%d invalid, %d limited, want 5 and 3: %s", invalid, limited, out)
	}
}

// A name that a client makes up comes back cut, and a message's faults in 1 KiB.
func TestBatch_Faults_AreCut(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	out := string(batch(f, f.Key, `{"`+strings.Repeat("x", 60_000)+`":1}`+"\n").Body)
	if len(out) > 1<<10 || !strings.Contains(out, "…") {
		t.Errorf("%d bytes: %.200s", len(out), out)
	}
}
