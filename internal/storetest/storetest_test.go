package storetest_test

import (
	"database/sql"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// tables counts the tables of the schema in use.
func tables(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&n); err != nil {
		t.Fatalf("count tables: %v", err)
	}
	return n
}

func TestPostgres_EachCall_IsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, two := open(t, storetest.Postgres(t)), open(t, storetest.Postgres(t))
	before := tables(t, two)
	if before == 0 {
		t.Error("the schema is not in it")
	}
	if _, err := one.ExecContext(t.Context(), `CREATE TABLE only_in_one (n int)`); err != nil {
		t.Fatal(err)
	}
	if got := tables(t, two); got != before {
		t.Errorf("tables in the other database = %d, want %d", got, before)
	}
}

func TestPostgres_ManyAtOnce(t *testing.T) {
	t.Parallel()
	for range 10 {
		t.Run("clone", func(t *testing.T) {
			t.Parallel()
			tables(t, open(t, storetest.Postgres(t)))
		})
	}
}

func TestPostgres_TestOver_DatabaseIsGone(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("inner", func(t *testing.T) {
		url = storetest.Postgres(t)
		db, err := sql.Open("postgres", url) // left open: the drop must not mind
		if err != nil {
			t.Fatal(err)
		}
		tables(t, db)
	})
	if err := open(t, url).PingContext(t.Context()); err == nil {
		t.Error("the database outlived its test")
	}
}

func TestEmpty_HasNoTables(t *testing.T) {
	t.Parallel()
	if got := tables(t, open(t, storetest.Empty(t))); got != 0 {
		t.Errorf("tables = %d, want 0", got)
	}
}

func TestRedis_EachCall_IsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	client := func() *redis.Client {
		o, err := redis.ParseURL(storetest.Redis(t))
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(o)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	one, two := client(), client()
	if err := one.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := two.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("keys in the other database = %d, want 0", n)
	}
}
