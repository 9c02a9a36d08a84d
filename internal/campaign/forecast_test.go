package campaign

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/zone"
)

func timing(t testing.TB, d *Definition) *Timing {
	t.Helper()
	if d.TimeZone == "" {
		d.TimeZone = "UTC"
	}
	if d.Late == "" {
		d.Late = LateHold
	}
	d.defaults()
	out, err := NewTiming(d, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// person is one recipient of the simulation by messages.
type person struct {
	group, k, n          int // the k-th of n of its group whose window opened together
	opens, closes, ends  time.Time
	zones                zone.Set
	late, done, received bool
}

// byMessage is a forecast that looks at every person for every message.
type byMessage struct {
	t      *Timing
	p      Pace
	people []*person
	sent   []time.Time
	causes map[string]int
}

func (b *byMessage) markLate(p *person, why string) {
	if !p.late {
		p.late = true
		b.causes[why]++
	}
}

// settle closes windows that have passed, group by group, so that those who
// move on together are counted together.
func (b *byMessage) settle(now time.Time, why func(time.Time) string) {
	for changed := true; changed; {
		changed = false
		moved := map[int][]*person{}
		for _, p := range b.people {
			switch {
			case p.done:
			case past(now, p.ends) && (p.closes.IsZero() || !p.closes.Before(p.ends)):
				b.markLate(p, lateExpired)
				p.done = true
			case past(now, p.closes):
				b.markLate(p, why(p.closes))
				if b.t.late == LateSkip {
					p.done = true
				} else {
					moved[p.group] = append(moved[p.group], p)
				}
			}
		}
		for _, group := range moved {
			changed = true
			slices.SortFunc(group, func(x, y *person) int { return x.k - y.k })
			opens, closes := b.t.Window(group[0].closes, group[0].zones)
			for k, p := range group {
				p.k, p.n, p.opens, p.closes = k, len(group), opens, closes
			}
		}
	}
}

// next returns whose turn it is; nil: nobody waits.
func (b *byMessage) next() (best *person) {
	for _, p := range b.people {
		if p.done {
			continue
		}
		if best == nil || p.opens.Before(best.opens) {
			best = p
			continue
		}
		if mine, its := (2*p.k+1)*best.n, (2*best.k+1)*p.n; p.opens.Equal(best.opens) && (mine < its || (mine == its && p.group < best.group)) {
			best = p
		}
	}
	return best
}

func (b *byMessage) run(launch time.Time) Forecast {
	now, gap := launch, time.Duration(float64(time.Second)/b.p.Rate)
	cause, until, tried := "", time.Time{}, false
	why := func(at time.Time) string {
		if cause != "" && !at.After(until) {
			return cause
		}
		return lateRate
	}
	wait := func(c string, at time.Time) { cause, now, until = c, at, at }
	for {
		b.settle(now, why)
		p := b.next()
		if p == nil || !now.Before(launch.Add(maxForecast)) {
			return b.result()
		}
		if p.opens.After(now) {
			now = p.opens
			continue
		}
		if c := b.p.Canary; c != nil && !tried && len(b.sent) >= c.First {
			tried = true
			if at := b.sent[len(b.sent)-1].Add(time.Duration(c.WaitSeconds) * time.Second); at.After(now) {
				wait(lateCanary, at)
				continue
			}
		}
		if free := b.free(launch, now); free.After(now) {
			wait(lateBudget, free)
			continue
		}
		p.done, p.received = true, true
		b.sent = append(b.sent, now)
		now = now.Add(gap)
	}
}

// free returns when the budget has room, now at the earliest.
func (b *byMessage) free(launch, now time.Time) time.Time {
	if b.p.Budget <= 0 {
		return now
	}
	var counts []time.Time
	for range b.p.Used {
		counts = append(counts, launch)
	}
	counts = append(counts, b.sent...)
	counts = slices.DeleteFunc(counts, func(at time.Time) bool { return !at.After(now.Add(-24 * time.Hour)) })
	if over := len(counts) - b.p.Budget; over >= 0 {
		return counts[over].Add(24 * time.Hour)
	}
	return now
}

func (b *byMessage) result() Forecast {
	f := Forecast{Hours: []Hour{}, LateBy: b.causes}
	for _, p := range b.people {
		if p.late {
			f.Late++
		}
		if !p.received {
			f.Unsent++
		}
	}
	for i, at := range b.sent {
		if i == 0 {
			f.StartsAt = new(at.UTC())
		}
		f.EndsAt = new(at.UTC())
		hour := at.UTC().Truncate(time.Hour)
		if n := len(f.Hours); n == 0 || !f.Hours[n-1].Hour.Equal(hour) {
			f.Hours = append(f.Hours, Hour{Hour: hour})
		}
		f.Hours[len(f.Hours)-1].Recipients++
	}
	return f
}

func bruteForecast(t *Timing, launch time.Time, groups []Group, p Pace) Forecast {
	b := &byMessage{t: t, p: p, causes: map[string]int{}}
	for i, g := range groups {
		for k := range g.Recipients {
			due, late := t.Due(g.Zones, launch)
			q := &person{group: i, k: k, n: g.Recipients, zones: g.Zones, ends: t.Expires(due)}
			if late {
				b.markLate(q, lateHour)
				q.done = t.late == LateSkip
			}
			q.opens, q.closes = t.Window(due, g.Zones)
			b.people = append(b.people, q)
		}
	}
	return b.run(launch)
}

var someZones = []zone.Set{
	"", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Chicago America/New_York",
	"Pacific/Auckland", "Australia/Lord_Howe",
}

func randomPlan(r *rand.Rand) (*Definition, []Group, Pace) {
	d := &Definition{Late: LateHold}
	if r.IntN(3) == 0 {
		d.Late = LateSkip
	}
	if r.IntN(4) > 0 {
		d.QuietHours = &QuietHours{From: zone.Clock(r.IntN(1440)).String(), To: zone.Clock(r.IntN(1440)).String()}
		if r.IntN(3) == 0 {
			d.QuietHours.Days = []string{"sat", "sun", "mon"}
		}
	}
	if r.IntN(3) == 0 {
		d.LocalStart = true
	}
	if r.IntN(2) == 0 {
		w := zone.Wall(time.Date(2026, 10, 24, r.IntN(24), r.IntN(60), 0, 0, time.UTC).Unix())
		d.StartAt = &w
	}
	d.LocalStart = d.LocalStart && d.StartAt != nil
	if r.IntN(3) == 0 {
		d.TTLSeconds = int64(3600 * (1 + r.IntN(60)))
	}
	p := Pace{Rate: []float64{0.001, 0.003, 0.01, 0.7, 50}[r.IntN(5)]}
	if r.IntN(3) == 0 {
		p.Canary = &Canary{First: 1 + r.IntN(30), WaitSeconds: r.IntN(40_000)}
	}
	if r.IntN(3) == 0 {
		p.Budget, p.Used = 5+r.IntN(60), r.IntN(20)
	}
	var groups []Group
	for _, i := range r.Perm(len(someZones))[:1+r.IntN(4)] {
		groups = append(groups, Group{someZones[i], r.IntN(60)})
	}
	return d, groups, p
}

func TestForecast_AgreesWithMessages(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 12))
	for i := range 600 {
		d, groups, p := randomPlan(r)
		times := timing(t, d)
		launch := time.Date(2026, 10, 24, r.IntN(12), r.IntN(60), 0, 0, time.UTC)
		if diff := cmp.Diff(bruteForecast(times, launch, groups, p), times.Forecast(launch, groups, p)); diff != "" {
			t.Fatalf("plan %d: %+v, groups %v, pace %+v, from %s:\n%s", i, d, groups, p, launch, diff)
		}
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	w := zone.Wall(instant(t, "2027-03-26T10:00:00Z").Unix())
	d := &Definition{StartAt: &w, LocalStart: true}
	launch := instant(t, "2027-03-26T00:30:00Z") // Auckland's ten o'clock has gone
	f := timing(t, d).Forecast(launch, []Group{{"Pacific/Auckland", 10}, {"Europe/Berlin", 20}, {"America/New_York", 30}}, Pace{Rate: 100})
	want := []Hour{
		{instant(t, "2027-03-26T09:00:00Z"), 20}, {instant(t, "2027-03-26T14:00:00Z"), 30}, {instant(t, "2027-03-26T21:00:00Z"), 10},
	}
	if diff := cmp.Diff(want, f.Hours); diff != "" || f.Late != 10 || f.LateBy[lateHour] != 10 || f.Unsent != 0 {
		t.Errorf("late %d %v, unsent %d\n%s", f.Late, f.LateBy, f.Unsent, diff)
	}
	d.Late = LateSkip
	if f := timing(t, d).Forecast(launch, []Group{{"Pacific/Auckland", 10}}, Pace{Rate: 100}); f.Unsent != 10 || f.StartsAt != nil ||
		len(f.Hours) != 0 {
		t.Errorf("with skip: %+v", f)
	}
}

// A forecast reaches a start that is years away.
func TestForecast_StartBeyondAYear(t *testing.T) {
	t.Parallel()
	w := zone.Wall(instant(t, "2030-01-02T10:00:00Z").Unix())
	d := &Definition{StartAt: &w, TimeZone: "Europe/Berlin"}
	start := instant(t, "2030-01-02T09:00:00Z")
	f := timing(t, d).Forecast(instant(t, "2026-11-29T12:00:00Z"), []Group{{"", 3}}, Pace{Rate: 100})
	if diff := cmp.Diff([]Hour{{start, 3}}, f.Hours); diff != "" || f.StartsAt == nil || !f.StartsAt.Equal(start) || f.Unsent != 0 {
		t.Errorf("starts at %v, unsent %d\n%s", f.StartsAt, f.Unsent, diff)
	}
}

// A million recipients of many zones take no time to speak of.
func TestForecast_Million(t *testing.T) {
	t.Parallel()
	var groups []Group
	for i := range 200 {
		groups = append(groups, Group{someZones[1+i%6], 5000 + i})
	}
	d := &Definition{QuietHours: &QuietHours{From: "21:00", To: "08:00"}}
	begin := time.Now()
	f := timing(t, d).Forecast(instant(t, "2026-10-23T08:00:00Z"), groups, Pace{Rate: 80, Budget: 100_000})
	total := 0
	for _, h := range f.Hours {
		total += h.Recipients
	}
	if want := 200*5000 + 199*100; total != want || f.Late == 0 || f.LateBy[lateBudget] == 0 {
		t.Errorf("%d of %d, late %v", total, want, f.LateBy)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
