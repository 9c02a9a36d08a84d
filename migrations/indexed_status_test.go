package migrations_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/migrations"
)

// A ledger from before gets what its indexes hold, page by page, and a row that the
// binary before changes meanwhile has it from the trigger.
func TestIndexedStatus_FillsLedgersFromBefore(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	if _, err := migrations.Up(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	for name := ""; name != "00110_indexed_status.sql"; {
		var err error
		if name, err = migrations.Down(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	db := connect(t, url)
	for _, statement := range []string{
		`INSERT INTO accounts (id, sid, name) VALUES (1, 'AC1', 'x')`,
		`INSERT INTO campaigns (id, account_id, name, definition) VALUES (1, 1, 'x', '{}'), (2, 1, 'y', '{}'), (3, 1, 'empty', '{}')`,
		`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, message_id)
		  SELECT 1 + i % 2, i, (ARRAY[0,2,2,10,30,35,40,50,60,61,62,63,70])[i % 13 + 1], now(), 'x',
		    CASE WHEN i % 13 BETWEEN 2 AND 11 THEN md5(i::text)::uuid END FROM generate_series(1, 9000) i`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrations.Up(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	var wrong, held, rows int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE indexed_status IS DISTINCT FROM CASE
		WHEN status = 2 AND message_id IS NOT NULL THEN 3 WHEN status IN (0, 2, 60, 61, 62, 63, 70) THEN status END),
		count(*) FILTER (WHERE indexed_status = 3), count(*) FROM campaign_recipients`).Scan(&wrong, &held, &rows); err != nil {
		t.Fatal(err)
	}
	if wrong != 0 || held < 600 || rows != 9000 {
		t.Errorf("%d of %d rows are indexed with another status than they have, %d as held with a message", wrong, rows, held)
	}
	// The rows of messages whose ids do not end with a row's number are noted, also of those that the binary before makes now.
	named := func(when string, want int) {
		t.Helper()
		var n, lost int
		if err := db.QueryRowContext(t.Context(), `SELECT count(m.seq), count(r.seq) FILTER (WHERE m.seq IS DISTINCT FROM r.seq)
			FROM (SELECT * FROM campaign_recipients WHERE message_id IS NOT NULL AND ledger_seq(message_id) <> seq) r
			FULL JOIN campaign_messages m USING (campaign_id, message_id)`).Scan(&n, &lost); err != nil {
			t.Fatal(err)
		}
		if n != want || lost != 0 {
			t.Errorf("%s: the rows of %d messages are noted, want %d; %d are not", when, n, want, lost)
		}
	}
	named("from before", 6923)
	for _, statement := range []string{
		`UPDATE campaign_recipients SET status = 10, message_id = md5('new' || seq)::uuid WHERE status = 0`,
		`UPDATE campaign_recipients SET status = 30, message_id = ('018f0000-0000-7000-8000-0000' || lpad(to_hex(seq), 8, '0'))::uuid
		  WHERE status = 2 AND message_id IS NULL`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	named("from the binary before", 6923+692)
}
