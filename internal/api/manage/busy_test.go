package manage_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A change that somebody else's lock holds up is tried again once, and then answered
// so that the client repeats it: no fault of the client and none to be reported.
func TestChanges_Locked_AreToBeRepeated(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	list := "/v1/lists/" + f.Do("POST", "/v1/lists", m{"name": "Lisbon"}).Want(201).ID()
	draft := m{"name": "Spring", "type": "text", "text": m{"body": "Hi"}, "audience": m{"contacts": []m{{"to": "+15550000100"}}}}
	campaign := "/v1/campaigns/" + f.Do("POST", "/v1/campaigns", draft).Want(201).ID()
	channel := fmt.Sprintf("/v1/channels/%d", f.Channel.ID)
	tx, err := f.DB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	// Behind a pooler of four the last change waits for its turn.
	if _, err := tx.ExecContext(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"campaigns", "channels", "lists"} {
		if _, err := tx.ExecContext(t.Context(), `SELECT 1 FROM `+table+` FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
	}
	changes := []struct {
		method, path string
		body         any
	}{
		{"POST", campaign + "/launch", nil},
		{"POST", campaign + "/cancel", nil},
		{"PATCH", channel, m{"name": "Other"}},
		{"DELETE", list, nil},
	}
	t.Run("each", func(t *testing.T) {
		for _, c := range changes {
			t.Run(c.method+c.path, func(t *testing.T) {
				t.Parallel()
				r := f.Do(c.method, c.path, c.body)
				if r.Refused(http.StatusServiceUnavailable, dispatch.Overloaded); r.Header.Get("Retry-After") == "" {
					t.Errorf("%s %s: no Retry-After", c.method, c.path)
				}
			})
		}
	})
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.Do("PATCH", channel, m{"name": "Other"}).Want(200)
	if got := f.Do("GET", list, nil).Want(200).Text("name"); got != "Lisbon" {
		t.Errorf("a change that was answered 503 has made the name %q", got)
	}
}
