package stream_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// testKey makes a test key and returns what sends a message with a key.
func testKey(t *testing.T, f *front) (secret string, send func(key string)) {
	t.Helper()
	f.Do("POST", "/v1/templates", map[string]any{
		"name": "hello_world", "language": "en", "category": "utility", "components": []map[string]any{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	secret = f.Do("POST", "/v1/keys", map[string]any{"name": "t", "test": true, "permissions": []string{"send_template", "view_messages"}}).
		Want(http.StatusCreated)["key"].(string)
	return secret, func(key string) {
		f.As(key, "POST", "/v1/messages", map[string]any{
			"to": "+15550000100", "type": "template", "template": map[string]any{"name": "hello_world", "language": "en"},
		}).Want(http.StatusAccepted)
	}
}

// The stream of a test key shows the events of messages of test keys only, of the
// past as well as live.
func TestStream_TestKey_ShowsTestMessagesOnly(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	secret, send := testKey(t, f)
	send(f.Key)
	send(secret)
	begin := dispatch.Position{}.String()
	test, live := f.listen(secret, begin), f.listen(f.Key, begin)
	send(f.Key)
	send(secret)
	wait.Until(t, "all events have come", func() bool { return len(live.seen()) == 4 && len(test.seen()) == 2 })
	test.cancel()
	<-test.ended
	if n := len(test.seen()); n != 2 {
		t.Errorf("a test key saw %d events, want 2", n)
	}
}

// Nor does a summary count the others for it.
func TestStream_TestKey_CountsNoLiveMessages(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	secret, send := testKey(t, f)
	send(secret)
	exec := func(query string) {
		if _, err := f.DB.Exec(query, f.Account.ID); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO events (message_id, account_id, kind)
		SELECT '00000000-0000-0000-0000-000000000000', $1, 30 FROM generate_series(1, 300)`)
	res, cancel := f.open(secret, f.history(f.Account.ID)[0], "?summary=true")
	defer cancel()
	names := make(chan string, 1000)
	go func() {
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names <- name
			}
		}
	}()
	wait.Until(t, "an event of its own message has come", func() bool {
		exec(`INSERT INTO events (message_id, account_id, kind) SELECT id, $1, 40 FROM messages`)
		return len(names) > 0
	})
	if got := <-names; !strings.HasPrefix(got, "message.") { // events.skipped
		t.Errorf("a test key received %q", got)
	}
}
