package restore

import (
	"slices"
	"testing"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/storetest"
)

// Campaigns that may have gone on since the backup are paused and listed with whom
// they would still send to, until somebody resumes them.
func TestCampaigns_PausedByHold(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.Postgres(t), 2)
	s := New(db)
	_, err := db.ExecContext(t.Context(), `INSERT INTO accounts (id, sid, name) VALUES (1, 'AC1', 'Test')`)
	must(t, err)
	for _, c := range []struct {
		name  string
		state campaign.State
		next  string
	}{
		{"runs", campaign.Running, "1 hour"},
		{"due", campaign.Scheduled, "-1 minute"},
		{"later", campaign.Scheduled, "1 hour"},
		{"paused", campaign.Paused, "0"},
		{"draft", campaign.Draft, "0"},
		{"over", campaign.Finished, "0"},
	} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO campaigns (account_id, name, state, definition, next_at)
			VALUES (1, $1, $2, '{}', now() + $3::interval)`, c.name, int(c.state), c.next)
		must(t, err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO campaign_counts (campaign_id, status, reason, n)
		SELECT id, s, 0, n FROM campaigns, (VALUES ($1::integer, 7), ($2::integer, 2), ($3::integer, 40)) v (s, n)
		WHERE name IN ('runs', 'over')`,
		int(campaign.Waiting), int(campaign.Held), int(campaign.Sent))
	must(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO campaign_changes (campaign_id, status, reason, n)
		SELECT id, $1, 0, -1 FROM campaigns WHERE name = 'runs'`, int(campaign.Waiting))
	must(t, err)
	for _, want := range []Held{{Campaigns: 2}, {}} {
		if h, err := s.Hold(t.Context()); err != nil || h != want {
			t.Errorf("held %+v, %v", h, err)
		}
	}
	list, err := s.Campaigns(t.Context())
	must(t, err)
	want := []Campaign{{ID: 1, Account: 1, Name: "runs", Waiting: 8, Total: 48}, {ID: 2, Account: 1, Name: "due"}}
	if !slices.Equal(list, want) {
		t.Errorf("%+v", list)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE campaigns SET state = $1, reason = '' WHERE name = 'due'`, int(campaign.Running))
	must(t, err)
	if list, err = s.Campaigns(t.Context()); err != nil || !slices.Equal(list, want[:1]) {
		t.Errorf("%+v, %v", list, err)
	}
}
