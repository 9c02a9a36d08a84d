package accept

import (
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// scheduled accepts a text for the next hour and returns it as a reader sees it.
func (f *fixture) scheduled(t *testing.T) *dispatch.View {
	t.Helper()
	d := text(1)
	d.SendAt = time.Now().Add(time.Hour)
	r := f.one(t, d)
	must(t, r.Err)
	return &f.stored(t, r.ID)[0]
}

func TestChange(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	v := f.scheduled(t)
	at := time.Now().Add(2 * time.Hour).UTC().Truncate(time.Second)
	for _, body := range []string{
		`{"send_at":"` + at.Format(time.RFC3339) + `","lane_":null}`, // null: as if left out
		`{"to":"+1 555 000 0002"}`,
		`{"text":{"body":"changed"}}`,
	} {
		done, err := f.Change(t.Context(), f.who, v, []byte(body))
		must(t, err)
		if !done {
			t.Errorf("%s: not changed", body)
		}
		v = &f.stored(t, v.ID)[0]
	}
	if v.SendAt == nil || !v.SendAt.Equal(at) || v.Recipient != number(2) || !strings.Contains(string(v.Content), "changed") {
		t.Errorf("%+v, content %s", v, v.Content)
	}
}

func TestChange_Refused(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	v := f.scheduled(t)
	for body, want := range map[string]dispatch.Code{
		`x`:                                  dispatch.Malformed,
		`{}`:                                 dispatch.Malformed,
		`{"to":null}`:                        dispatch.Malformed,
		`{"lane":"otp"}`:                     dispatch.Invalid,
		`{"to":"1"}`:                         dispatch.Invalid,
		`{"send_at":"2020-01-01T00:00:00Z"}`: dispatch.Invalid,
		`{"type":"text"}`:                    dispatch.Invalid,
	} {
		if done, err := f.Change(t.Context(), f.who, v, []byte(body)); done || err == nil || dispatch.CodeOf(err) != want {
			t.Errorf("%s: %t, %v; want %s", body, done, err, want)
		}
	}
	if after := f.stored(t, v.ID)[0]; after.To != v.To || !after.SendAt.Equal(*v.SendAt) {
		t.Errorf("a refused change was made: %+v", after)
	}
	sent := *v
	sent.Status = dispatch.Sent
	if done, err := f.Change(t.Context(), f.who, &sent, []byte(`{"to":"+15550000003"}`)); done || err != nil {
		t.Errorf("a message that was sent: %t, %v", done, err)
	}
}

// Another recipient counts as a message to that one, and does not when the
// message was sent in the meantime or the change is refused.
func TestChange_CountsTheNewRecipient(t *testing.T) {
	t.Parallel()
	c := &counts{by: map[string]int{}}
	f := open(t, nil)
	v := f.scheduled(t)
	f.Recipients = c
	if _, err := f.Change(
		t.Context(), f.who, v, []byte(`{"send_at":"`+time.Now().Add(3*time.Hour).Format(time.RFC3339)+`"}`),
	); err != nil || c.tries != 0 {
		t.Errorf("a change of the time: %v, counted %d times", err, c.tries)
	}
	if done, err := f.Change(t.Context(), f.who, v, []byte(`{"to":"+15550000002"}`)); !done || err != nil || c.by[number(2)] != 1 {
		t.Errorf("%t, %v, counted %v", done, err, c.by)
	}
	cancelled, err := f.store.Cancel(t.Context(), v.ID)
	must(t, err)
	if !cancelled {
		t.Fatal("not cancelled")
	}
	if done, err := f.Change(t.Context(), f.who, v, []byte(`{"to":"+15550000003"}`)); done || err != nil || len(c.by) != 1 {
		t.Errorf("after it was cancelled: %t, %v, counted %v", done, err, c.by)
	}
}
