//go:build fault

package fault

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// crashing returns the changes of a build that ends at any of the places.
func crashing(all []crash) (changes []change) {
	folders := map[string]bool{}
	for _, c := range all {
		changes = append(changes, c.change)
		dir := filepath.Dir(c.file)
		if folders[dir] {
			continue
		}
		folders[dir] = true
		changes = append(changes, change{file: dir + "/crash_at.go", made: "package " + filepath.Base(dir) + `

import (
	"os"
	"syscall"
)

func crashAt(label string) {
	if os.Getenv("CRASH_AT") == label {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
`})
	}
	return changes
}

// A front door that ends at any place has lost nothing that it answered, and a
// repeat with the same Idempotency-Key makes no copy.
func TestCrash_Serve(t *testing.T) {
	s := &stack{drill.StartServers(t, build(t, crashing(serveCrashes)...)), t}
	s.StartServe()
	s.StartWork()
	left := serveCrashes
	x := s.SendMany(2000)
	x.During([]int{10, 30, 50, 70}, func() {
		c := left[0]
		left = left[1:]
		s.Serve.Kill()
		s.Set("CRASH_AT", c.label)
		s.Launch("serve", "serve").Ends(time.Minute)
		s.Set("CRASH_AT", "")
		s.StartServe()
		t.Logf("serve ended at %s", c.label)
	})
	if r := x.Check(1, "delivered"); r.MaybeSent > 0 {
		t.Errorf("%d messages maybe_sent: no worker ended", r.MaybeSent)
	}
}

// A worker that ends at any place leaves no message behind, and no copy that does
// not show. The provider sends no receipts: each doubt is settled by policy.
func TestCrash_Work(t *testing.T) {
	s := &stack{drill.StartServers(t, build(t, crashing(workCrashes)...)), t}
	s.StartServe()
	s.Configure(`{"latency_ms":20,"callbacks":false}`)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	s.Ask(http.MethodPost, "/v1/webhooks", "application/json", fmt.Appendf(nil, `{"url":%q}`, hook.URL), nil)
	// Small claims, so that there is enough for each place; slow, so that backlogs go through the queue.
	s.Ask(http.MethodPatch, "/v1/channels/1", "application/json", []byte(`{"policy":{"rate":150,"concurrency":20}}`), nil)
	x := s.SendMany(1000)
	x.During(nil, nil)
	for _, c := range workCrashes {
		if c.label == "after_move" {
			s.postpone(20)
		}
		s.Set("CRASH_AT", c.label)
		s.Launch("work", "work").Ends(2 * time.Minute)
		t.Logf("work ended at %s", c.label)
	}
	s.Set("CRASH_AT", "")
	s.StartWork()
	x.Check(2, "sent", "unknown")
}

// postpone makes ready messages scheduled ones that move back at once.
func (s *stack) postpone(n int) {
	s.t.Helper()
	r, err := s.DB.Exec(`WITH d AS (DELETE FROM dispatch WHERE message_id IN (SELECT message_id FROM dispatch
			WHERE state = 0 AND attempts = 0 LIMIT $1) RETURNING *)
		INSERT INTO scheduled (due_at, message_id, account_id, channel_id, campaign_id, lane, expires_at)
		SELECT now(), message_id, account_id, channel_id, campaign_id, lane, expires_at FROM d`, n)
	storetest.Must(s.t, err)
	if moved, err := r.RowsAffected(); err != nil || moved == 0 {
		s.t.Fatalf("%d messages are scheduled, %v", moved, err)
	}
}
