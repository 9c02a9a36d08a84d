package accept

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// keyed is a page of texts with one idempotency key.
func keyed(key string, n int) []dispatch.Draft {
	ds := page(1, n)
	for i := range ds {
		ds[i].IdemKey, ds[i].IdemIndex = key, i
	}
	return ds
}

// hold holds drafts and fails on a refusal. It returns the answers' ids, NoID
// for a draft that is new.
func (f *fixture) hold(t *testing.T, ds []dispatch.Draft) (held []dispatch.Draft, ids []dispatch.ID, release func()) {
	t.Helper()
	held, answers, release := f.Hold(t.Context(), f.who, ds, 0)
	for _, a := range answers {
		id := dispatch.NoID
		if a != nil {
			must(t, a.Err)
			if !a.Replayed {
				t.Errorf("an answer that is no replay: %+v", a)
			}
			id = a.ID
		}
		ids = append(ids, id)
	}
	return held, ids, release
}

// Hold leaves the caller's drafts alone, so that it may be called twice with
// them: the second time it finds what the first time was accepted.
func TestHold_Twice_FindsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]bool{"live key": false, "test key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, nil)
			f.who.Key.Test = test
			ds, before := keyed("k", 2), keyed("k", 2)
			held, ids, release := f.hold(t, ds)
			if ids[0] != dispatch.NoID || ids[1] != dispatch.NoID {
				t.Fatalf("new drafts have answers: %v", ids)
			}
			out := f.Accept(t.Context(), f.who, held, 0)
			release()
			if d := cmp.Diff(before, ds); d != "" {
				t.Errorf("the caller's drafts were changed:\n%s", d)
			}
			again, ids, release := f.hold(t, ds)
			defer release()
			if ids[0] != out[0].ID || ids[1] != out[1].ID {
				t.Errorf("answers %v, accepted %v and %v", ids, out[0].ID, out[1].ID)
			}
			if d := cmp.Diff(held, again); d != "" {
				t.Errorf("held another time:\n%s", d)
			}
		})
	}
}

// Drafts that were held and are held again, before they are accepted, have the
// same key.
func TestHold_OfHeldDrafts_ChangesNothing(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.who.Key.Test = true
	first, _, release := f.hold(t, keyed("k", 1))
	release()
	second, _, release := f.hold(t, first)
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("(-first +second):\n%s", d)
	}
	id := f.Accept(t.Context(), f.who, second, 0)[0].ID
	release()
	_, ids, release := f.hold(t, keyed("k", 1))
	defer release()
	if ids[0] != id {
		t.Errorf("the message of a draft held twice is not found")
	}
}

// While the first request runs a repeat in this process is refused; after
// release it is not.
func TestHold_FirstStillRuns_IsRefused(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	_, _, release := f.hold(t, keyed("k", 1))
	_, answers, releaseNone := f.Hold(t.Context(), f.who, keyed("k", 2), 0)
	if answers[0] == nil || dispatch.CodeOf(answers[0].Err) != dispatch.InProgress || answers[1] != nil {
		t.Errorf("answers %+v", answers)
	}
	releaseNone() // frees the second draft only
	_, answers, releaseNone = f.Hold(t.Context(), f.who, keyed("k", 2), 0)
	releaseNone()
	if answers[0] == nil || answers[1] != nil {
		t.Error("a repeat's release frees the first request's key")
	}
	release()
	_, answers, release = f.Hold(t.Context(), f.who, keyed("k", 1), 0)
	defer release()
	if answers[0] != nil {
		t.Errorf("after release: %+v", answers[0])
	}
}

// Keys of test and live keys are apart, a simulation takes none, and a draft
// without a key has no answer.
func TestHold_Apart(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.who.Key.Test = true
	held, _, release := f.hold(t, keyed("k", 1))
	must(t, f.Accept(t.Context(), f.who, held, 0)[0].Err)
	release()
	f.who.Key.Test = false
	_, ids, release := f.hold(t, keyed("k", 1))
	defer release()
	if ids[0] != dispatch.NoID {
		t.Error("a live request is answered with a test key's message")
	}
	simulated := keyed("k", 1)
	simulated[0].Simulate = true
	for name, ds := range map[string][]dispatch.Draft{"simulation": simulated, "no key": page(1, 1)} {
		if _, answers, release := f.Hold(t.Context(), f.who, ds, 0); answers[0] != nil {
			t.Errorf("%s: %+v", name, answers[0])
		} else {
			release()
		}
	}
}

// The same key with another body is refused, at once and by the insert.
func TestHold_OtherBody_IsRefused(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	held, _, release := f.hold(t, keyed("k", 1))
	must(t, f.Accept(t.Context(), f.who, held, 0)[0].Err)
	release()
	other := keyed("k", 1)
	other[0].Content.Text.Body = "something else"
	_, answers, release := f.Hold(t.Context(), f.who, other, 0)
	release()
	if answers[0] == nil || dispatch.CodeOf(answers[0].Err) != dispatch.KeyReused {
		t.Errorf("held: %+v", answers[0])
	}
	if r := f.one(t, other[0]); dispatch.CodeOf(r.Err) != dispatch.KeyReused {
		t.Errorf("accepted without Hold: %+v", r)
	}
}

// A request of several drafts has one key: its repeat gets all receipts, and one
// recipient more is another body.
func TestOnce(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ds, before := page(1, 3), page(1, 3)
	held, first, release, err := f.Once(t.Context(), f.who, "k", ds)
	must(t, err)
	if first != nil {
		t.Fatalf("a new request has an answer: %v", first)
	}
	out, err := f.AllOrNone(t.Context(), f.who, held)
	must(t, err)
	release()
	if d := cmp.Diff(before, ds); d != "" {
		t.Errorf("the caller's drafts were changed:\n%s", d)
	}
	_, first, release, err = f.Once(t.Context(), f.who, "k", ds)
	release()
	must(t, err)
	for i := range out {
		if len(first) != 3 || first[i].ID != out[i].ID || first[i].To != ds[i].To {
			t.Errorf("answer %+v, want %+v", first, out)
		}
	}
	_, first, release, err = f.Once(t.Context(), f.who, "k", page(1, 4))
	release()
	if dispatch.CodeOf(err) != dispatch.KeyReused || first != nil {
		t.Errorf("one recipient more: %v, %v", first, err)
	}
	for name, n := range map[string]int{"none": 0, "too many": maxTogether + 1} {
		if _, first, release, err := f.Once(t.Context(), f.who, "other", page(0, n)); first != nil || err != nil {
			t.Errorf("%s: %v, %v", name, first, err)
		} else {
			release()
		}
	}
}

// The database's answer decides between two processes: both of them held the key.
func TestAccept_HeldByTwoProcesses_StoresOne(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	one, _, release := f.hold(t, keyed("k", 1))
	defer release()
	first := f.Accept(t.Context(), f.who, one, 0)[0]
	second := f.Accept(t.Context(), f.who, one, 0)[0] // as another process would, with a key of its own
	must(t, first.Err)
	must(t, second.Err)
	if second.ID != first.ID || !second.Replayed || first.Replayed || f.count(t) != 1 {
		t.Errorf("%+v, then %+v; %d stored", first, second, f.count(t))
	}
}

// A fingerprint differs for whatever changes the message, and for nothing else.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := text(1)
	same := base
	same.IdemKey, same.IdemIndex, same.IdemFingerprint = "k", 3, "x"
	if fingerprint(base) != fingerprint(same) {
		t.Error("the key is part of its own fingerprint")
	}
	seen := map[string]string{fingerprint(base): "base", fingerprint(base, base): "twice"}
	for name, change := range map[string]func(*dispatch.Draft){
		"recipient": func(d *dispatch.Draft) { d.To = number(2) },
		"text":      func(d *dispatch.Draft) { d.Content.Text = &dispatch.Text{Body: "ho"} },
		"channel":   func(d *dispatch.Draft) { d.Channel = "7" },
		"time":      func(d *dispatch.Draft) { d.SendAt = time.Unix(1, 0) },
		"lane":      func(d *dispatch.Draft) { d.Lane = "otp" },
		"metadata":  func(d *dispatch.Draft) { d.Metadata = raw(`{"a":1}`) },
	} {
		d := base
		change(&d)
		fp := fingerprint(d)
		if other, again := seen[fp]; again {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[fp] = name
	}
}
