package pg_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// A transaction whose statement is not prepared yet runs it all the same while no
// other connection is free, and later ones run it prepared.
func TestPrepared_InATransaction_NeedsNoSecondConnection(t *testing.T) {
	t.Parallel()
	db, err := pg.Open(pg.Options{URL: storetest.Session(t, "statements stay prepared in a session alone"), MaxConns: 1, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const query = "SELECT $1::bigint + 40"
	run := func() (prepared int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return prepared, db.Tx(ctx, func(tx *pg.DB) error {
			var got []int64
			if err := tx.SelectPrepared(ctx, &got, query, 2); err != nil {
				return err
			}
			if len(got) != 1 || got[0] != 42 {
				t.Errorf("got %v", got)
			}
			return tx.GetContext(ctx, &prepared, "SELECT count(*) FROM pg_prepared_statements WHERE statement = '"+query+"'")
		})
	}
	if _, err := run(); err != nil {
		t.Fatal(err)
	}
	wait.For(t, 20*time.Second, func() error {
		n, err := run()
		if err != nil || n == 0 {
			return fmt.Errorf("prepared %d times: %v", n, err)
		}
		return nil
	})
}
