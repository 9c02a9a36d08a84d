package installation

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func open(t *testing.T) (*Store, *pg.DB) {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 8)
	return New(db), db
}

var must = storetest.Must

// Processes that start together agree on one id; doctor finds it and creates none.
func TestLoad_ByManyAtOnce_IsOneID(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	if found, err := s.Find(t.Context()); err != nil || found != nil {
		t.Fatalf("a new database has %+v, %v", found, err)
	}
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			in, err := s.Load(context.Background())
			if err != nil {
				t.Error(err)
			}
			ids[i] = in.ID
		})
	}
	wg.Wait()
	found, err := s.Find(t.Context())
	must(t, err)
	if len(found.ID) != 12 || found.Drain != 0 || time.Since(found.CreatedAt).Abs() > time.Minute {
		t.Errorf("found %+v", found)
	}
	for _, id := range ids {
		if id != found.ID {
			t.Errorf("ids %v, want %s of all", ids, found.ID)
		}
	}
}

// A database that was copied from another has the row of that one too, and gets an
// id of its own.
func TestLoad_OfACopy_IsAnotherID(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	first, err := s.Load(t.Context())
	must(t, err)
	_, err = db.ExecContext(t.Context(), `UPDATE installations SET home = 'elsewhere:1'`)
	must(t, err)
	second, err := s.Load(t.Context())
	must(t, err)
	if first.ID == second.ID {
		t.Errorf("the copy has the id of the original, %s", first.ID)
	}
}

// The migration marks databases that earlier versions have worked on: what these
// left in Redis is worked on for a day.
func TestLoad_AfterAnUpgrade_DrainsForADay(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	_, err := db.ExecContext(t.Context(), `INSERT INTO installations (home, drain_until)
	  VALUES (installation_home(), now() + interval '1 day')`)
	must(t, err)
	in, err := s.Load(t.Context())
	must(t, err)
	if in.Drain < 23*time.Hour || in.Drain > 24*time.Hour {
		t.Errorf("drains for %v", in.Drain)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE installations SET drain_until = now() - interval '1 minute'`)
	must(t, err)
	if in, err = s.Load(t.Context()); err != nil || in.Drain != 0 {
		t.Errorf("a day later: drains for %v, %v", in.Drain, err)
	}
}
