//go:build fault

package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/drill"
)

const (
	// kills is how often the worker is killed, and the campaign paused and
	// resumed, on the way.
	kills         = 20
	campaignLimit = 15 * time.Minute
	// inHand is how many calls a worker may have claimed when it is killed: the pages
	// of the bulk lane that it works on at once. 500 were seen, and 108 on average.
	inHand = 8 * dispatch.MaxPage
)

// recipients returns how many recipients the campaign has.
func recipients(t *testing.T) int {
	n := 100_000
	if text := os.Getenv("SENDOFF_FAULT_RECIPIENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// campaignState is what the test reads of a campaign.
type campaignState struct {
	ID     int64          `json:"id"`
	Status string         `json:"status"`
	Counts map[string]int `json:"counts"`
}

func (c *campaignState) done() int {
	return c.Counts["total"] - c.Counts["waiting"] - c.Counts["held"] - c.Counts["queued"] - c.Counts["sending"]
}

// importAudience uploads n recipients and returns the import's id.
func (s *stack) importAudience(n int) int64 {
	s.t.Helper()
	var file bytes.Buffer
	file.WriteString("phone,name,order,total\n")
	for i := range n {
		fmt.Fprintf(&file, "%s,Ada %d,A-%d,9.90\n", drill.Recipient(i), i, i)
	}
	var in struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	}
	s.Ask(http.MethodPost, "/v1/imports?kind=audience", "text/csv", file.Bytes(), &in)
	drill.Until(s.t, campaignLimit, "the import", func() error {
		s.Ask(http.MethodGet, fmt.Sprintf("/v1/imports/%d", in.ID), "application/json", nil, &in)
		if in.Status != "done" {
			return errors.New("it is " + in.Status)
		}
		return nil
	})
	return in.ID
}

// A campaign whose worker is killed, and which is paused and resumed, all the
// way reaches everybody once, and its counts equal its ledger and what the
// provider has accepted.
func TestCampaign_KilledPausedResumed_ReachesEverybodyOnce(t *testing.T) {
	s := start(t)
	n := recipients(t)
	body, err := json.Marshal(map[string]any{
		"name": "Fault", "type": "template", "audience": map[string]any{"import": s.importAudience(n)},
		"template": map[string]any{"name": "order_confirmation", "language": "en", "variables": map[string]string{
			"customer_name": "{{name}}", "order_id": "{{order}}", "total": "{{total}}",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var c campaignState
	s.Ask(http.MethodPost, "/v1/campaigns", "application/json", body, &c)
	path := fmt.Sprintf("/v1/campaigns/%d", c.ID)
	began := time.Now()
	s.Ask(http.MethodPost, path+"/launch", "application/json", nil, &c)
	for i := range kills {
		drill.Until(t, campaignLimit, "progress", func() error {
			s.Ask(http.MethodGet, path, "application/json", nil, &c)
			if c.Status == "running" && c.done() < n*(i+1)/(kills+1) {
				return fmt.Errorf("%d of %d are done", c.done(), n)
			}
			return nil
		})
		s.Work.Kill()
		s.Ask(http.MethodPost, path+"/pause", "application/json", nil, &c)
		s.StartWork()
		s.Ask(http.MethodPost, path+"/resume", "application/json", nil, &c)
	}
	drill.Until(t, campaignLimit, "the end", func() error {
		s.Ask(http.MethodGet, path, "application/json", nil, &c)
		if c.Status != "finished" || c.Counts["total"] != n || c.Counts["delivered"]+c.Counts["unknown"] != n {
			return fmt.Errorf("it is %s with %v", c.Status, c.Counts)
		}
		return nil
	})
	t.Logf("%d recipients in %v: %v", n, time.Since(began), c.Counts)
	s.checkLedger(c.ID)
	var got struct {
		Count      int `json:"count"`
		Recipients int `json:"recipients"`
		Most       int `json:"max_per_recipient"`
	}
	if err := s.Get(s.Dev.EmulatorURL+"/_emulator/count", &got); err != nil {
		t.Fatal(err)
	}
	// Whether the calls that a killed worker had in hand went out is unknown.
	if got.Most != 1 || got.Count != got.Recipients || got.Recipients < c.Counts["delivered"] || got.Recipients > n ||
		c.Counts["unknown"] > kills*inHand {
		t.Errorf("the provider accepted %+v, the campaign has %v", got, c.Counts)
	}
	if err := s.Invariants(); err != nil {
		t.Error(err)
	}
}

// checkLedger holds that the counts equal the ledger, and the ledger the messages.
func (s *stack) checkLedger(id int64) {
	s.t.Helper()
	var counts, messages, twice int
	err := s.DB.QueryRow(`SELECT
		(SELECT count(*) FROM (SELECT status, reason, count(*) AS n FROM campaign_recipients WHERE campaign_id = $1 GROUP BY 1, 2) r
			FULL JOIN (SELECT status, reason, sum(n) AS n FROM (SELECT status, reason, n FROM campaign_counts WHERE campaign_id = $1
				UNION ALL SELECT status, reason, n FROM campaign_changes WHERE campaign_id = $1) x GROUP BY 1, 2 HAVING sum(n) <> 0) c
				USING (status, reason)
			WHERE r.n IS DISTINCT FROM c.n),
		(SELECT count(*) FROM campaign_recipients r LEFT JOIN messages m ON m.id = r.message_id WHERE r.campaign_id = $1
		AND m.status IS DISTINCT FROM r.status),
		(SELECT count(*) FROM (SELECT recipient FROM messages WHERE campaign_id = $1 GROUP BY 1 HAVING count(*) > 1) x)`,
		id).Scan(&counts, &messages, &twice)
	if err != nil {
		s.t.Fatal(err)
	}
	if counts+messages+twice > 0 {
		s.t.Errorf(
			"%d counts differ from the ledger, %d rows from their messages, %d recipients have two messages",
			counts,
			messages,
			twice,
		)
	}
}
