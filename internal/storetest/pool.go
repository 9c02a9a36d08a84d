package storetest

import (
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// SecretKey seals what tests store.
const SecretKey = "a secret key for tests only"

// Open returns a pool of at most conns connections on the database at url, as
// Postgres returns it. It is closed at the end of the test.
func Open(t testing.TB, url string, conns int) *pg.DB {
	t.Helper()
	box, err := pg.NewBox(SecretKey)
	Must(t, err)
	db, err := pg.Open(pg.Options{URL: url, MaxConns: conns, Application: "test", Box: box})
	Must(t, err)
	t.Cleanup(db.Close)
	return db
}

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
