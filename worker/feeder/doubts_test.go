package feeder

import (
	"errors"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/worker/workertest"
)

// settled runs the job and returns what became of the messages.
func (f *fixture) settled(t *testing.T, ids []dispatch.ID) []dispatch.Status {
	t.Helper()
	workertest.Must(t, f.doubts(t.Context()))
	return f.Statuses(t, ids)
}

// Without a provider that can be asked the channel's policy decides.
func TestDoubts_Policy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		retries int
		want    dispatch.Status
	}{
		"no further attempt": {0, dispatch.Unknown},
		"one more":           {1, dispatch.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.Change(t, func(ch *dispatch.Channel) { ch.Policy.UnknownRetries = [3]int{c.retries, c.retries, c.retries} })
			ids := f.doubtful(t, 2)
			for i, got := range f.settled(t, ids) {
				if got != c.want {
					t.Errorf("message %d is %v, want %v", i, got, c.want)
				}
			}
			if n := f.Due(t); (n == 2) != (c.want == dispatch.Queued) {
				t.Errorf("%d messages due again", n)
			}
		})
	}
}

// A provider that can be asked decides first: a message that it has is settled
// with its status; one that it has not, or cannot tell about, is policy's.
func TestDoubts_ProviderIsAsked(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.UnknownRetries = [3]int{} })
	ids := f.doubtful(t, 4)
	taken := "p-taken"
	other := f.Messages(t, 1, nil)
	_, err := f.Apply(
		t.Context(), []dispatch.StatusUpdate{{ID: other[0], Channel: f.Channel, ProviderID: taken, Status: dispatch.Sent, At: time.Now()}},
	)
	workertest.Must(t, err)
	f.Providers["meta"] = &asked{find: func(m *dispatch.Message) (dispatch.StatusUpdate, bool, error) {
		if m.Content.Text == nil || m.Content.Text.Body != "x" {
			t.Errorf("asked without the content: %+v", m)
		}
		u := dispatch.StatusUpdate{ProviderID: "p-" + m.ID.String(), Status: dispatch.Delivered, At: time.Now()}
		switch m.ID {
		case ids[0]:
			return u, true, nil
		case ids[1]:
			return u, false, nil
		case ids[2]:
			return u, false, errors.New("503")
		}
		u.ProviderID = taken // the provider's message is another one of ours
		return u, true, nil
	}}
	got := f.settled(t, ids)
	for i, want := range []dispatch.Status{dispatch.Delivered, dispatch.Unknown, dispatch.Unknown, dispatch.Unknown} {
		if got[i] != want {
			t.Errorf("message %d is %v, want %v", i, got[i], want)
		}
	}
}

// A failure that the provider reports is counted.
func TestDoubts_FoundFailed_IsCounted(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.doubtful(t, 1)
	f.Providers["meta"] = &asked{find: func(m *dispatch.Message) (dispatch.StatusUpdate, bool, error) {
		return dispatch.StatusUpdate{ProviderID: "p", Status: dispatch.Failed, Code: dispatch.FailContent, At: time.Now()}, true, nil
	}}
	if got := f.settled(t, ids); got[0] != dispatch.Failed || f.world.failed[dispatch.FailContent] != 1 {
		t.Errorf("%v, counted %v", got, f.world.failed)
	}
}
