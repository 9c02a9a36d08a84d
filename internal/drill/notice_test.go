//go:build fault

package drill

import (
	"strings"
	"testing"
	"time"
)

// A drill notices a message that is not there, one that is delivered and was never
// sent, a copy to somebody else, and an Idempotency-Key without a message.
func TestCheck_NoticesWhatIsBroken(t *testing.T) {
	c := Scenario{run: func(s *Stack, o Options) Result {
		x := s.SendMany(o.Messages)
		<-x.done
		Until(s.t, time.Minute, "all messages final", func() error { return x.settled([]string{"delivered"}) })
		x.to[0] = "+15550000999" // nothing went there
		if _, err := s.DB.Exec(`DELETE FROM messages WHERE id = $1`, x.ids[1]); err != nil {
			s.t.Fatalf("%v", err)
		}
		x.ids[4] = x.ids[5]
		return x.Check(1, "delivered")
	}}
	o := Options{Binary: "../../bin/sendoff", Messages: 200, Log: func(line string) { t.Log(line) }}
	got := strings.Join(c.Run(t.Context(), o).Broken, "\n")
	for _, want := range []string{
		"message 0 ", "and the provider never accepted it", "message 1 ", "was answered 202 and is not there",
		"message 5: id", "is missing or another message's", "199 messages in the database", "messages lost", "to our recipients",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not noticed:\n%s", want, got)
		}
	}
}
