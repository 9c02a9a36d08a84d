package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// refusing makes Postgres refuse every change of a message to the number, as it
// refuses a value that it can't store.
func (f *fixture) refusing(t *testing.T, number string) {
	t.Helper()
	for _, sql := range []string{
		`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE data_exception USING MESSAGE = 'no such value'; END $$`,
		`CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW WHEN (NEW.recipient = '` + number + `') EXECUTE FUNCTION refuse()`,
	} {
		_, err := f.db.ExecContext(t.Context(), sql)
		must(t, err)
	}
}

func (f *fixture) count(t *testing.T, sql string) (n int) {
	t.Helper()
	must(t, f.db.GetContext(t.Context(), &n, sql))
	return n
}

// A piece of evidence that Postgres refuses costs none of the others, wherever it
// stands.
func TestApply_RefusedPiece_CostsNoOther(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 7)
	f.refusing(t, "+15550000004")
	var us []dispatch.StatusUpdate
	for _, id := range ids {
		us = append(us, dispatch.StatusUpdate{
			ID: id, Channel: f.channel, ProviderID: "p" + id.String(),
			Status: dispatch.Delivered, At: time.Now(),
		})
	}
	us = append(us, dispatch.StatusUpdate{Channel: f.channel, ProviderID: "nobody's", Status: dispatch.Sent})
	a, err := f.Apply(t.Context(), us)
	must(t, err)
	if !slices.Equal(a.Refused, []int{4}) || !slices.Equal(a.Unmatched, []int{7}) {
		t.Errorf("refused %v, unmatched %v", a.Refused, a.Unmatched)
	}
	vs, err := f.Views(t.Context(), ids)
	must(t, err)
	for i := range vs {
		if (vs[i].Status == dispatch.Delivered) == (vs[i].Recipient == "+15550000004") {
			t.Errorf("%s is %s", vs[i].Recipient, vs[i].Status)
		}
	}
}

// Parked evidence that can't be read or applied keeps its place and holds up no
// other.
func TestRetryParked_RefusedPiece_HoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 4)
	f.refusing(t, "+15550000001")
	var us []dispatch.StatusUpdate
	for _, id := range ids {
		us = append(us, dispatch.StatusUpdate{ID: id, Channel: f.channel, ProviderID: "p", Status: dispatch.Delivered, At: time.Now()})
	}
	must(t, f.Park(t.Context(), us...))
	_, err := f.db.ExecContext(t.Context(), `INSERT INTO parked_callbacks (channel_id, ref, body, wake_at) VALUES (1, 'x', 'no JSON', now())`)
	must(t, err)
	_, err = f.db.ExecContext(t.Context(), `UPDATE parked_callbacks SET wake_at = now()`)
	must(t, err)
	_, err = f.RetryParked(t.Context())
	must(t, err)
	if n := f.count(t, `SELECT count(*) FROM messages WHERE status = 40`); n != 3 {
		t.Errorf("%d messages are delivered, want 3", n)
	}
	if n := f.count(t, `SELECT count(*) FROM parked_callbacks WHERE tries = 1`); n != 2 {
		t.Errorf("%d pieces are kept, want the 2 that can't be applied", n)
	}
}

// Evidence without a message is kept once, whatever time it names, and of a
// channel only so much; the oldest goes first, and other channels lose nothing.
func TestPark_Bounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	_, other := f.newAccount(t, "gupshup")
	fill := func(channel int64, n int) {
		_, err := f.db.ExecContext(t.Context(), `INSERT INTO parked_callbacks (channel_id, ref, body, wake_at)
			SELECT $1, 'old' || i, '{}', now() + interval '1 hour' FROM generate_series(1, $2::integer) i`, channel, n)
		must(t, err)
	}
	fill(f.channel, maxParked)
	fill(other, maxParked-2)
	us := make([]dispatch.StatusUpdate, 30)
	for i := range us {
		us[i] = dispatch.StatusUpdate{
			Channel: f.channel, ProviderID: fmt.Sprint("new", i%10), Status: dispatch.Sent, At: time.Unix(1<<60, 0),
		}
	}
	for range 2 {
		must(t, f.Park(t.Context(), append(us, dispatch.StatusUpdate{Channel: other, ProviderID: "new", Status: dispatch.Sent})...))
	}
	for want, sql := range map[int]string{
		maxParked - maxParked/10: `ref LIKE 'old%' AND channel_id = ` + fmt.Sprint(f.channel),
		10:                       `ref LIKE 'new%' AND channel_id = ` + fmt.Sprint(f.channel),
		0:                        `ref = 'old1' AND channel_id = ` + fmt.Sprint(f.channel),
		maxParked - 2:            `ref LIKE 'old%' AND channel_id = ` + fmt.Sprint(other),
		1:                        `ref = 'new' AND channel_id = ` + fmt.Sprint(other),
	} {
		if n := f.count(t, `SELECT count(*) FROM parked_callbacks WHERE `+sql); n != want {
			t.Errorf("%d pieces where %s; want %d", n, sql, want)
		}
	}
}
