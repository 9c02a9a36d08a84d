package audience

import (
	"fmt"
	"testing"
)

// Numbers are told apart exactly, up to the bound; other ids are kept elsewhere.
func TestSeen_Numbers(t *testing.T) {
	t.Parallel()
	s := NewSeen()
	s.most = 3
	s.Skip(&Row{Phone: "+15550000100", WaID: "4917612345678", UserID: "DE.1"})
	s.Skip(&Row{Phone: "+15550000101", Problem: &Problem{}}) // bad: nobody
	var none *Seen
	for _, c := range []struct {
		of           *Seen
		id           string
		before, kept bool
	}{
		{s, "+15550000100", true, true},
		{s, "+4917612345678", true, true},
		{s, "+15550000101", false, true},
		{s, "+15550000101", true, true},
		{s, "+15550000102", false, false}, // one too many
		{s, "+15550000100", true, true},
		{s, "DE.1", false, false},
		{s, "person 15550000100", false, false},
		{s, "15550000100", false, false},
		{s, "+015550000100", false, false},
		{s, "+", false, false},
		{s, "", false, false},
		{s, "+99999999999999999999", false, false},
		{none, "+15550000100", false, false},
	} {
		if before, kept := c.of.add(c.id); before != c.before || kept != c.kept {
			t.Errorf("%q: %t %t, want %t %t", c.id, before, kept, c.before, c.kept)
		}
	}
	if n, ok := number("+999999999999999999"); n != 999999999999999999 || !ok {
		t.Errorf("%d %t", n, ok)
	}
}

// What a process has seen is the same when another one reads the same rows again,
// also at the bound.
func TestSeen_Repeats(t *testing.T) {
	t.Parallel()
	first, second := NewSeen(), NewSeen()
	first.most, second.most = 50, 50
	for i := range 100 {
		r := &Row{Phone: fmt.Sprintf("+1555%07d", 997*i%101), WaID: fmt.Sprintf("1555%07d", 13*i%97)}
		for _, key := range r.keys(nil) {
			first.add(key)
		}
		second.Skip(r)
	}
	if len(first.numbers) != 50 || len(second.numbers) != 50 {
		t.Fatalf("%d and %d numbers", len(first.numbers), len(second.numbers))
	}
	for n := range first.numbers {
		if _, ok := second.numbers[n]; !ok {
			t.Errorf("+%d was not seen", n)
		}
	}
}
