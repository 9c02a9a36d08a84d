package keep

import (
	"testing"
	"time"
)

// What an account sets counts, the default for what it does not, and what belongs to
// messages goes with them.
func TestDays_Of(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days  Days
		table string
		want  int
	}{
		{Days{}, "messages", 90},
		{Days{}, "events", 30},
		{Days{}, "attempts", 30},
		{Days{}, "webhook_deliveries", 14},
		{Days{}, "audit_log", 365},
		{Days{}, "inbound", 90},
		{Days{Messages: 10}, "events", 10},
		{Days{Messages: 10}, "attempts", 10},
		{Days{Messages: 10}, "webhook_deliveries", 10},
		{Days{Messages: 10}, "inbound", 90},
		{Days{Messages: 10}, "audit_log", 365},
		{Days{Events: 60, Attempts: 7, Deliveries: 20}, "events", 60},
		{Days{Events: 60, Attempts: 7, Deliveries: 20}, "attempts", 7},
		{Days{Events: 60, Attempts: 7, Deliveries: 20}, "webhook_deliveries", 20},
	} {
		if got := c.days.Of(c.table); got != c.want {
			t.Errorf("%+v keeps %s %d days, want %d", c.days, c.table, got, c.want)
		}
	}
	now := time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	if got := (Days{Inbound: 31}).Before("inbound", now); !got.Equal(now.Add(-31 * 24 * time.Hour)) {
		t.Errorf("before: %s", got)
	}
}

// Days are stored as a JSON object without what is not set.
func TestDays_StoredAndRead(t *testing.T) {
	t.Parallel()
	d := Days{Messages: 30, Deliveries: 5}
	v, err := d.Value()
	if err != nil || v != `{"messages":30,"webhook_deliveries":5}` {
		t.Fatalf("value %v, %v", v, err)
	}
	var back Days
	if err := back.Scan([]byte(v.(string))); err != nil || back != d {
		t.Errorf("read back %+v, %v", back, err)
	}
	if err := back.Scan("x"); err == nil {
		t.Error("a text is no retention")
	}
}
