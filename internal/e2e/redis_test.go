package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Without Redis messages are accepted and sent all the same.
func TestRedisAway_StillAcceptedAndDelivered(t *testing.T) {
	t.Parallel()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	must(t, m.Start())
	t.Cleanup(m.Close)
	s := start(t, options{redis: "redis://" + m.Addr()})
	sendAll := func(first int) {
		t.Helper()
		var ids []string
		for i := range 20 {
			ids = append(ids, s.send(t, order(fmt.Sprintf("+1555901%04d", first+i))).ID)
		}
		for i, id := range ids {
			s.becomes(t, id, "delivered")
			if n := s.copies(t, fmt.Sprintf("+1555901%04d", first+i)); n != 1 {
				t.Errorf("message %d: %d copies", first+i, n)
			}
		}
	}
	for i, change := range []func(){func() {}, m.Close, func() { must(t, m.Restart()) }} {
		change()
		began := time.Now()
		sendAll(1000 * (i + 1))
		t.Logf("phase %d took %v", i, time.Since(began))
	}
}
