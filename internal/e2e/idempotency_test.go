package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

func testIdempotencyParallel(t *testing.T, s *stack) {
	to := "+15556011000"
	var mu sync.Mutex
	ids, replayed, running := map[string]int{}, 0, 0
	var errs []error
	post := func() {
		a, err := s.try(
			http.MethodPost,
			s.url+"/v1/messages",
			order(to, `"reference":"parallel"`),
			"Authorization",
			"Bearer "+s.key,
			"Idempotency-Key",
			"parallel",
		)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			errs = append(errs, err)
		case a.status == http.StatusAccepted:
			id, _, _ := strings.Cut(strings.TrimPrefix(string(a.body), `{"message_id":"`), `"`)
			ids[id]++
			if a.header.Get("Idempotent-Replayed") == "true" {
				replayed++
			}
		case a.status == http.StatusConflict && a.header.Get("Retry-After") == "1":
			running++
		default:
			errs = append(errs, fmt.Errorf("%d: %s", a.status, a.body))
		}
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(post)
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	post() // whatever came of the 100: now it is answered
	must(t, errors.Join(errs...))
	if len(ids) != 1 {
		t.Errorf("ids %v, want one", ids)
	}
	for id, n := range ids {
		if replayed != n-1 {
			t.Errorf("%d of %d answers are marked as replays, want all but one", replayed, n)
		}
		s.becomes(t, id, "delivered")
	}
	t.Logf("%d replays, %d while the first was running", replayed, running)
	if n := s.copies(t, to); n != 1 {
		t.Errorf("%d copies", n)
	}
	if got := as[page](t, s.call(t, http.MethodGet, "/v1/messages?reference=parallel", "")); len(got.Data) != 1 {
		t.Errorf("%d messages", len(got.Data))
	}
}

func testIdempotencyOtherBody(t *testing.T, s *stack) {
	first := s.send(t, order("+15556021000"), "Idempotency-Key", "other-body")
	a := s.call(t, http.MethodPost, "/v1/messages", order("+15556021001"), "Idempotency-Key", "other-body").
		want(t, http.StatusUnprocessableEntity)
	if p := as[problem](t, a); p.Code != "idempotency_key_reused" {
		t.Errorf("code %q", p.Code)
	}
	again := s.call(t, http.MethodPost, "/v1/messages", order("+15556021000"), "Idempotency-Key", "other-body").want(t, http.StatusAccepted)
	if got := as[message](t, again); got.ID != first.ID || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeat answered %s with Idempotent-Replayed %q, first was %s", got.ID, again.header.Get("Idempotent-Replayed"), first.ID)
	}
	if other := s.send(t, order("+15556021000"), "Idempotency-Key", "other-key"); other.ID == first.ID {
		t.Error("another key gave the same message")
	}
}

// line is the answer to one message of a batch.
type line struct {
	Index  int    `json:"index"`
	ID     string `json:"message_id"`
	Status string `json:"status"`
	Error  *struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"error"`
}

// mixedBatch has a good line at every index but 2, 5 and 6.
func mixedBatch(prefix string) string {
	return strings.Join([]string{
		order(prefix + "1000"),
		order(prefix+"1001", `"reference":"second"`),
		`{"to":"+15556031002","type":"text"`,
		order(prefix + "1003"),
		"",
		order(prefix + "1004"),
		`{"to":"nobody","type":"template","template":{"name":"hello_world","language":"en"}}`,
		order(prefix+"1006", `"colour":"red"`),
		order(prefix + "1007"),
	}, "\n")
}

func testBatchNDJSON(t *testing.T, s *stack) {
	a := s.call(t, http.MethodPost, "/v1/messages/batch", mixedBatch("+1555603"), "Content-Type", "application/x-ndjson").
		want(t, http.StatusAccepted)
	got := readLines(t, a)
	if len(got) != 8 {
		t.Fatalf("%d results, want 8: %s", len(got), a.body)
	}
	for i, l := range got {
		bad := slices.Contains([]int{2, 5, 6}, i)
		if l.Index != i || (l.Error != nil) != bad || (l.ID == "") != bad {
			t.Errorf("result %d: %+v (%+v)", i, l, l.Error)
		}
	}
	for i, code := range map[int]string{2: "malformed_request", 5: "validation_failed", 6: "validation_failed"} {
		if got[i].Error != nil && got[i].Error.Code != code {
			t.Errorf("line %d: code %q, want %q", i, got[i].Error.Code, code)
		}
	}
	for i, to := range map[int]string{0: "1000", 1: "1001", 3: "1003", 4: "1004", 7: "1007"} {
		if m := s.becomes(t, got[i].ID, "delivered"); m.To != "+1555603"+to {
			t.Errorf("result %d is the message to %s", i, m.To)
		}
	}
}

func readLines(t *testing.T, a answer) []line {
	t.Helper()
	var out []line
	for _, raw := range lines(a.body) {
		out = append(out, as[line](t, answer{body: raw}))
	}
	return out
}

// A repeat after a broken connection gets the ids already made, and goes on.
func testBatchReplayed(t *testing.T, s *stack) {
	all := []string{}
	for i := range 8 {
		all = append(all, order(fmt.Sprintf("+1555604%04d", 1000+i)))
	}
	post := func(n int) (answer, []line) {
		a := s.call(t, http.MethodPost, "/v1/messages/batch", strings.Join(all[:n], "\n")+"\n", "Content-Type", "application/x-ndjson",
			"Idempotency-Key", "batch").
			want(t, http.StatusAccepted)
		return a, readLines(t, a)
	}
	first, ids := post(5)
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Error("the first request is marked as a replay")
	}
	second, again := post(8)
	if second.header.Get("Idempotent-Replayed") != "true" || len(again) != 8 {
		t.Fatalf("repeat: Idempotent-Replayed %q, %d results", second.header.Get("Idempotent-Replayed"), len(again))
	}
	for i, l := range again {
		if l.ID == "" || (i < 5 && l.ID != ids[i].ID) {
			t.Errorf("result %d: %+v, first %+v", i, l, ids[min(i, 4)])
		}
		s.becomes(t, l.ID, "delivered")
		if n := s.copies(t, fmt.Sprintf("+1555604%04d", 1000+i)); n != 1 {
			t.Errorf("message %d: %d copies", i, n)
		}
	}
}

func testBatchJSON(t *testing.T, s *stack) {
	body := `{"messages":[` + order("+15556051000") + `,` + order("none") + `,` + order("+15556051002") + `]}`
	a := s.call(t, http.MethodPost, "/v1/messages/batch", body).want(t, http.StatusAccepted)
	got := as[struct {
		Accepted int    `json:"accepted"`
		Rejected int    `json:"rejected"`
		Results  []line `json:"results"`
	}](t, a)
	if got.Accepted != 2 || got.Rejected != 1 || len(got.Results) != 3 || got.Results[1].Error == nil {
		t.Fatalf("answered %s", a.body)
	}
	s.becomes(t, got.Results[2].ID, "delivered")
}
