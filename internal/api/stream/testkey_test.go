package stream_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// The stream of a test key shows the events of messages of test keys only, of the
// past as well as live.
func TestStream_TestKey_ShowsTestMessagesOnly(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", map[string]any{
		"name": "hello_world", "language": "en", "category": "utility", "components": []map[string]any{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	secret := f.Do("POST", "/v1/keys", map[string]any{"name": "t", "test": true, "permissions": []string{"send_template", "view_messages"}}).
		Want(http.StatusCreated)["key"].(string)
	send := func(key string) {
		f.As(key, "POST", "/v1/messages", map[string]any{
			"to": "+15550000100", "type": "template", "template": map[string]any{"name": "hello_world", "language": "en"},
		}).Want(http.StatusAccepted)
	}
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
