package people

import (
	"context"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// The pages of inbound messages read what they show, also of an account with few.
func TestReadings_Inbound_ReadWhatTheyShow(t *testing.T) {
	grow := []string{
		`INSERT INTO inbound (id, account_id, channel_id, from_phone, type, provider_id, at)
		  SELECT (lpad(to_hex(i), 12, '0') || '7' || substr(md5(i::text), 1, 19))::uuid, 7 + (i > 30000)::int,
		    CASE WHEN i < 4 THEN 2 ELSE 1 END, '+1555' || lpad((i % 20000)::text, 7, '0'), 'text', i::text, now()
		  FROM generate_series(1, 30010) i`,
	}
	of := func(account int64, f InboundFilter) func(ctx context.Context, tx *pg.DB) error {
		f.Limit = 50
		return func(ctx context.Context, tx *pg.DB) error { _, _, err := New(tx).Inbounds(ctx, account, f); return err }
	}
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, []storetest.Reading{
		{Name: "inbound", Most: 500, Read: of(7, InboundFilter{})},
		{Name: "inbound of a rare channel", Most: pg.WalkMax + 500, Read: of(7, InboundFilter{Channel: 2})},
		{Name: "inbound of a rare type", Most: pg.WalkMax + 500, Read: of(7, InboundFilter{Type: "image"})},
		{Name: "inbound of a person", Most: pg.WalkMax + 500, Read: of(7, InboundFilter{From: "+15559999999"})},
		{Name: "inbound of a time", Most: pg.WalkMax + 500, Read: of(7, InboundFilter{Until: time.Now().AddDate(-1, 0, 0)})},
		{Name: "inbound of a small account", Most: 500, Read: of(8, InboundFilter{})},
	})
}
