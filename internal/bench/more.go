package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func (s *stage) get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("get %s: %w", req.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(into)
}

// configure changes the emulator's settings.
func (s *stage) configure(ctx context.Context, st map[string]any) error {
	b, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return s.emulatorCall(ctx, http.MethodPut, "/_emulator/settings", b)
}

// forget clears the emulator's log; what it held is counted first. It waits until
// nothing is on its way: what arrives between the two would be taken for lost.
func (s *stage) forget(ctx context.Context) error {
	if err := s.drained(ctx); err != nil {
		return err
	}
	return s.clear(ctx)
}

func (s *stage) clear(ctx context.Context) error {
	c, err := s.counts(ctx)
	if err != nil {
		return err
	}
	s.report.Duplicated += c.Count - c.Recipients
	s.arrived += c.Recipients
	return s.emulatorCall(ctx, http.MethodDelete, "/_emulator/requests", nil)
}

func (s *stage) emulatorCall(ctx context.Context, method, path string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, method, s.emURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("emulator: %s answered %d", path, resp.StatusCode)
	}
	return nil
}

type counts struct {
	Count      int `json:"count"`
	Recipients int `json:"recipients"`
	Most       int `json:"max_per_recipient"`
}

func (s *stage) counts(ctx context.Context) (c counts, err error) {
	err = s.get(ctx, s.emURL+"/_emulator/count", &c)
	return c, err
}

// received is how many sends the provider has accepted since the last forget.
func (s *stage) received(ctx context.Context) (int, error) {
	c, err := s.counts(ctx)
	return c.Count, err
}

// waiting counts unfinished messages.
func (s *stage) waiting(ctx context.Context) (int, error) {
	ds, err := s.store.Depths(ctx)
	n := 0
	for _, d := range ds {
		n += int(d.Count)
	}
	return n, err
}

// drained waits until nothing is left to send and no call is open.
func (s *stage) drained(ctx context.Context) error {
	return s.until(ctx, 10*time.Minute, "the queue to drain", func() (empty bool, err error) {
		err = s.db.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM dispatch) AND NOT EXISTS (SELECT 1 FROM backlog)
		  AND NOT EXISTS (SELECT 1 FROM claims)`).Scan(&empty)
		return empty, err
	})
}

// measureCallbacks sends signed Meta callbacks, one status each, for messages
// that were sent before.
func measureCallbacks(ctx context.Context, s *stage) error {
	all, err := s.newest(ctx, s.pick(20_000, 60_000))
	if err != nil {
		return err
	}
	rate, failed := s.callBack(ctx, all)
	s.add(Figure{
		Name: "callbacks", How: "signed Meta callbacks, 1 status each", Value: rate, Unit: "callbacks/s", Must: "3,000",
		Reach: rate >= 3000 && failed == 0, Detail: fmt.Sprintf("%d refused", failed),
	})
	return nil
}

// addressed is a message of this run and its recipient.
type addressed struct{ id, to string }

// newest returns at least n messages of this run, or all.
func (s *stage) newest(ctx context.Context, n int) (all []addressed, err error) {
	for cursor := ""; len(all) < n; {
		page, err := s.store.ListMessages(ctx, s.channels[0].Account, dispatch.Filter{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, v := range page.Views {
			all = append(all, addressed{v.ID.String(), string(v.To)})
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(all) == 0 {
		return nil, errNoMessages
	}
	return all, nil
}

// callBack sends a callback for each message and returns how many a second, and
// how many were refused.
func (s *stage) callBack(ctx context.Context, all []addressed) (rate float64, refused int64) {
	ch := s.channels[0]
	url := s.base + "/callbacks/meta/" + ch.Key
	work := make(chan addressed)
	var wg sync.WaitGroup
	var failed atomic.Int64
	began := time.Now()
	for range 64 {
		wg.Go(func() {
			for m := range work {
				if s.sendCallback(ctx, url, &ch, m) != nil {
					failed.Add(1)
				}
			}
		})
	}
	for _, m := range all {
		work <- m
	}
	close(work)
	wg.Wait()
	return float64(len(all)) / time.Since(began).Seconds(), failed.Load()
}

func (s *stage) sendCallback(ctx context.Context, url string, ch *dispatch.Channel, m addressed) error {
	body := fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":%q,"changes":[{"field":"messages",`+
		`"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550002222","phone_number_id":%q},`+
		`"statuses":[{"id":"wamid.%s","status":"delivered","timestamp":"%d",`+
		`"recipient_id":%q,"biz_opaque_callback_data":%q}]}}]}]}`,
		ch.Settings["waba_id"], ch.Settings["phone_number_id"], m.id, time.Now().Unix(),
		strings.TrimPrefix(m.to, "+"), m.id)
	mac := hmac.New(sha256.New, []byte(ch.Secrets["app_secret"]))
	mac.Write(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("call back: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("callback answered %d", resp.StatusCode)
	}
	return nil
}

// audit waits for everything to be sent and counts what was lost or duplicated
// over the whole run: either is an error. Recipients are unique, so a second copy
// shows.
func (s *stage) audit(ctx context.Context) error {
	if err := s.drained(ctx); err != nil {
		return err
	}
	c, err := s.counts(ctx)
	if err != nil {
		return err
	}
	s.report.Lost = s.sent - s.arrived - c.Recipients
	s.report.Duplicated += c.Count - c.Recipients
	if s.report.Lost == 0 && s.report.Duplicated == 0 {
		return nil
	}
	why, err := s.undelivered(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("%d messages were lost and %d sent twice; not sent by their status: %s", s.report.Lost, s.report.Duplicated, why)
}

// undelivered returns what the provider has not confirmed: the number of messages by
// status and error, and one id of each, as text.
func (s *stage) undelivered(ctx context.Context) (string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT status, concat_ws(': ', error_code, error_message), count(*), min(id::text)
	  FROM messages WHERE status NOT IN ($1, $2, $3) GROUP BY 1, 2 ORDER BY 1, 2`, dispatch.Sent, dispatch.Delivered, dispatch.Read)
	if err != nil {
		return "", fmt.Errorf("read what was not sent: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var says []string
	for rows.Next() {
		var status dispatch.Status
		var cause, id string
		var n int
		if err := rows.Scan(&status, &cause, &n, &id); err != nil {
			return "", fmt.Errorf("read what was not sent: %w", err)
		}
		says = append(says, fmt.Sprintf("%d %s (%s), such as %s", n, status, cause, id))
	}
	return cmp.Or(strings.Join(says, "; "), "none"), rows.Err()
}
