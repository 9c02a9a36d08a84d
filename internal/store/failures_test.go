package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Messages that become failed are counted, not the reports of it.
func TestApply_FailedAgain_IsNoOtherFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		said []dispatch.Status // one callback after the other
		want []int             // failures that each brings
	}{
		{"failed twice", []dispatch.Status{dispatch.Failed, dispatch.Failed}, []int{1, 0}},
		{"failed, delivered after all, failed", []dispatch.Status{dispatch.Failed, dispatch.Delivered, dispatch.Failed}, []int{1, 0, 0}},
		{"read, then failed", []dispatch.Status{dispatch.Read, dispatch.Failed}, []int{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			id := f.messages(t, 1)[0]
			f.complete(t, outcome(id, f.claim(t, id), Settle, ResultAccepted))
			for i, st := range c.said {
				u := dispatch.StatusUpdate{ID: id, Channel: f.channel, Status: st, Code: dispatch.FailContent, At: time.Now()}
				a, err := f.Apply(t.Context(), []dispatch.StatusUpdate{u, u})
				must(t, err)
				var want []Failure
				if c.want[i] == 1 {
					want = []Failure{{ID: id, Channel: f.channel, Code: dispatch.FailContent}}
				}
				if diff := cmp.Diff(want, a.Failed); diff != "" {
					t.Errorf("callback %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestComplete_GivesWhatFailed(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 4)
	f.complete(t, outcome(ids[1], f.claim(t, ids[1]), Resolve, ResultUnknown))
	must(t, f.SettleDoubts(t.Context(), ids[1:2], []int{1}))
	claim := f.claim(t, ids...)
	f.callback(t, ids[2], dispatch.Delivered)
	fails := func() []Outcome {
		return []Outcome{
			outcome(ids[0], claim, Fail, ResultPermanent),
			outcome(ids[1], claim, Fail, ResultPermanent), // unknown: its first call may have succeeded
			outcome(ids[2], claim, Fail, ResultPermanent), // delivered meanwhile
			outcome(ids[3], claim, Settle, ResultAccepted),
		}
	}
	for i, want := range [][]Failure{{{ID: ids[0], Channel: f.channel, Code: dispatch.FailContent}}, {}} {
		got, err := f.Complete(t.Context(), fails())
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", i+1, diff)
		}
	}
}
