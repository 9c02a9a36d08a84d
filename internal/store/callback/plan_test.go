package callback

import (
	"context"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// The page of ignored callbacks reads what it shows, also of an account with few.
func TestReadings_Ignored_ReadWhatTheyShow(t *testing.T) {
	t.Parallel()
	grow := []string{
		`INSERT INTO ignored_callbacks (id, account_id, channel_id, provider, kind, reason, body)
		  SELECT md5(i::text)::uuid, 7 + (i > 50000)::int, 1, 'meta', 'x', 'y', '{}' FROM generate_series(1, 50010) i`,
	}
	of := func(account int64) func(ctx context.Context, tx *pg.DB) error {
		return func(ctx context.Context, tx *pg.DB) error {
			_, err := New(tx).Ignored(ctx, account, nil, 50)
			return err
		}
	}
	storetest.Readings(t, storetest.Open(t, storetest.Postgres(t), 4), grow, []storetest.Reading{
		{Name: "ignored callbacks", Most: 500, Read: of(7)}, {Name: "ignored callbacks of a small account", Most: 500, Read: of(8)},
	})
}
