package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/wait"
)

// Two workers share a backlog in Postgres: every message is sent once, and
// expired ones are not.
func TestBacklog_TwoWorkers_EachOnce(t *testing.T) {
	t.Parallel()
	s := start(t, options{idle: true})
	const late, all = 100, 3000
	var body strings.Builder
	for i := range all {
		more := []string{`"lane":"bulk"`}
		if i < late {
			more = append(more, `"ttl_seconds":1`)
		}
		body.WriteString(order(fmt.Sprintf("+1555%03d2%03d", 300+i/1000, i%1000), more...) + "\n")
	}
	a := s.call(t, http.MethodPost, "/v1/messages/batch", body.String(), "Content-Type", "application/x-ndjson").
		want(t, http.StatusAccepted)
	ids := make([]string, 0, all)
	for _, l := range lines(a.body) {
		ids = append(ids, as[line](t, answer{body: l}).ID)
	}
	knows(t) // more than a second passes
	for range 2 {
		w, err := app.Work(s.cfg, "", s.url, s.log)
		must(t, err)
		t.Cleanup(func() { stopped(t, "worker", w) })
	}
	wait.For(t, patience, func() error {
		states := map[string]int{}
		for from := 0; from < all; from += 1000 {
			list := s.call(t, http.MethodPost, "/v1/messages/status", `{"ids":["`+strings.Join(ids[from:from+1000], `","`)+`"]}`).
				want(t, http.StatusOK)
			for _, m := range as[struct {
				Messages []message `json:"messages"`
			}](t, list).Messages {
				states[m.Status]++
			}
		}
		if states["delivered"] != all-late || states["expired"] != late {
			return fmt.Errorf("%v", states)
		}
		return nil
	})
	total, err := s.try(http.MethodGet, s.emulator+"/_emulator/count", "")
	must(t, err)
	got := as[struct {
		Count      int `json:"count"`
		Recipients int `json:"recipients"`
		Most       int `json:"max_per_recipient"`
	}](t, total.want(t, http.StatusOK))
	if got.Count != all-late || got.Recipients != all-late || got.Most != 1 {
		t.Errorf("the provider accepted %+v; want %d, one each", got, all-late)
	}
}
