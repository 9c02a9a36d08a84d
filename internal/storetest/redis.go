package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// counterKey numbers the Redis databases that were handed out; it lies in
// database 0, which no test gets.
const counterKey = "sendoff:storetest:databases"

// Redis returns the address of an empty Redis database, which is flushed when
// the test ends. Publish and subscribe know no databases: what one test
// publishes all others hear, as they do in production.
func Redis(t testing.TB) string {
	t.Helper()
	s := use(t)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	n, err := s.redis.Incr(ctx, counterKey).Result()
	if err != nil {
		t.Fatalf("number redis database: %v", err)
	}
	o := *s.redis.Options()
	o.DB = int(1 + n%(s.databases-1))
	if err := flush(ctx, &o); err != nil { // a killed test may have left something
		t.Fatalf("empty redis database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := flush(ctx, &o); err != nil {
			t.Errorf("flush redis database: %v", err)
		}
	})
	return fmt.Sprintf("redis://%s/%d", o.Addr, o.DB)
}

func flush(ctx context.Context, o *redis.Options) (err error) {
	c := redis.NewClient(o)
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.FlushDB(ctx).Err()
}

// countRedis reads how many databases there are. Miniredis has no such setting, and
// as many as are used.
func countRedis(ctx context.Context, c *redis.Client) (int64, error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return 0, err
	}
	answer, err := c.ConfigGet(ctx, "databases").Result()
	if err != nil {
		return 1024, nil
	}
	n, err := strconv.ParseInt(answer["databases"], 10, 64)
	if err != nil || n < 2 {
		return 0, fmt.Errorf("tests need a redis with several databases, not %q", answer["databases"])
	}
	return n, nil
}
