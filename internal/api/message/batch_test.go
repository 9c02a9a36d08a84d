package message_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// A batch that is still being written when its account is disabled keeps what
// was accepted, and gets nothing more in.
func TestBatch_AccountDisabledMeanwhile_RestIsRefused(t *testing.T) {
	t.Parallel()
	const page = 1000 // are committed together
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	body, lines := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+"/v1/messages/batch", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.Key)
	req.Header.Set("Content-Type", "application/x-ndjson")
	answer := make(chan *http.Response, 1)
	go func() {
		defer close(answer)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		answer <- res
	}()
	write := func(from int) {
		for i := from; i < from+page; i++ {
			if _, err := fmt.Fprintf(lines, `{"to":"+1555%07d","type":"text","text":{"body":"x"}}`+"\n", i); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0)
	wait.Until(t, "the first page is accepted", func() bool {
		var n int
		err := f.DB.QueryRowContext(t.Context(), `SELECT count(*) FROM messages`).Scan(&n)
		return err == nil && n == page
	})
	if _, err := f.Accounts.SetDisabled(t.Context(), f.Account.ID, true); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the key is refused", func() bool { return f.Do("GET", "/v1/messages", nil).Status == http.StatusUnauthorized })
	write(page)
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	res := <-answer
	if res == nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	seen := 0
	for in := bufio.NewScanner(res.Body); in.Scan(); seen++ {
		var r struct {
			Index int `json:"index"`
			Error *struct {
				Code dispatch.Code `json:"code"`
			} `json:"error"`
		}
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, in.Bytes())
		}
		if r.Index != seen || (r.Error == nil) != (seen < page) || (r.Error != nil && r.Error.Code != dispatch.Unauthorized) {
			t.Fatalf("result %d: %s", seen, in.Bytes())
		}
	}
	if seen != 2*page {
		t.Errorf("%d results", seen)
	}
}
