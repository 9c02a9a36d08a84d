package campaign

import (
	"testing"
	"time"
)

func TestCanary_Decide(t *testing.T) {
	t.Parallel()
	last := time.Date(2027, 1, 1, 10, 0, 0, 0, time.UTC)
	c := &Canary{First: 500, WaitSeconds: 1800}
	end := last.Add(30 * time.Minute)
	for _, k := range []struct {
		name  string
		c     *Canary
		n     int
		last  time.Time
		now   time.Time
		bad   bool
		want  Step
		until time.Time
	}{
		{"no canary", nil, 1000, last, last, true, Go, time.Time{}},
		{"one of the first", c, 499, time.Time{}, last, false, Go, time.Time{}},
		{"the first are in the air", c, 500, time.Time{}, last, false, Wait, time.Time{}},
		{"while it waits", c, 500, last, end.Add(-1), false, Wait, end},
		{"after it", c, 500, last, end, false, Go, time.Time{}},
		{"a bad sign", c, 500, last, end, true, Stop, time.Time{}},
		{"a bad sign stops at once", c, 500, time.Time{}, last, true, Stop, time.Time{}},
	} {
		if got, until := k.c.Decide(k.n, k.last, k.now, k.bad); got != k.want || !until.Equal(k.until) {
			t.Errorf("%s: %d, %s", k.name, got, until)
		}
	}
}

func TestCap_Reached(t *testing.T) {
	t.Parallel()
	c := &Cap{Messages: 2, Days: 7}
	for _, k := range []struct {
		c        *Cap
		n        int
		category string
		want     bool
	}{
		{c, 1, "marketing", false}, {c, 2, "marketing", true}, {c, 9, "utility", false}, {c, 9, "authentication", false}, {
			nil, 9,
			"marketing", false,
		},
	} {
		if got := k.c.Reached(k.n, k.category); got != k.want {
			t.Errorf("%+v: %v", k, got)
		}
	}
	if c.Span() != 168*time.Hour {
		t.Errorf("it spans %s", c.Span())
	}
}

func TestBudget_Fits(t *testing.T) {
	t.Parallel()
	b := Budget{Limit: 2000, Reserve: 0.1}
	for _, k := range []struct {
		name                      string
		b                         Budget
		used                      int
		counted, window, campaign bool
		want                      bool
	}{
		{"the last of the share", b, 1799, false, false, true, true},
		{"the reserve is not a campaign's", b, 1800, false, false, true, false},
		{"but normal traffic's", b, 1999, false, false, false, true},
		{"all used", b, 2000, false, false, false, false},
		{"the same user again is free", b, 2000, true, false, true, true},
		{"an open window is free", b, 2000, false, true, true, true},
		{"unlimited", Budget{Limit: -1, Reserve: 0.5}, 1e6, false, false, true, true},
		{"nothing allowed", Budget{}, 0, false, false, true, false},
	} {
		if got := k.b.Fits(k.used, k.counted, k.window, k.campaign); got != k.want {
			t.Errorf("%s: %v", k.name, got)
		}
	}
}

func TestResults_Exceed(t *testing.T) {
	t.Parallel()
	var r Results
	for i := range 4 {
		if r = r.Add(true); r.Exceed(0.2) {
			t.Errorf("%d failures of %d are too many", i+1, len(r))
		}
	}
	if r = r.Add(true); !r.Exceed(0.2) || r.Exceed(0) {
		t.Errorf("5 failures: %v, without a limit %v", r.Exceed(0.2), r.Exceed(0))
	}
	for range 250 {
		r = r.Add(false, false)
	}
	if len(r) != 200 || r.Failures() != 0 || r.Exceed(0.01) {
		t.Errorf("%d results, %d failures", len(r), r.Failures())
	}
	if r = r.Add(make([]bool, 300)...); len(r) != 200 {
		t.Errorf("%d results", len(r))
	}
}
