package emulator_test

import (
	"context"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// The message list distinguishes what Twilio took without an answer (0105) and
// what it never took (0110).
func TestTwilio_FindSettlesUnknownOutcomes(t *testing.T) {
	t.Parallel()
	for _, v := range vendors()[:2] {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := v.bench(t)
			client := b.client.(*twilio.Client)
			call := func(m *dispatch.Message) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				if _, err := client.Send(ctx, b.ch, m); provider.AsError(err).Kind != provider.Uncertain {
					t.Fatalf("Send: %v", err)
				}
			}
			taken, lost := text("+15550000105"), text("+15550000110")
			call(taken)
			call(lost)
			u, found, err := client.Find(t.Context(), b.ch, taken)
			if err != nil || !found || u.ID != taken.ID || u.ProviderID == "" || u.Status < dispatch.Sent {
				t.Errorf("taken: %+v, %v, %v", u, found, err)
			}
			if u, found, err := client.Find(t.Context(), b.ch, lost); err != nil || found {
				t.Errorf("lost: %+v, %v, %v", u, found, err)
			}
			other := text(taken.To)
			other.Content.Text.Body = "Quite another text"
			if u, found, err := client.Find(t.Context(), b.ch, other); err != nil || found {
				t.Errorf("other text: %+v, %v, %v", u, found, err)
			}
			call(taken)
			if _, found, err := client.Find(t.Context(), b.ch, taken); err == nil || found {
				t.Errorf("two alike: found %v, %v", found, err)
			}
		})
	}
}

func TestTwilio_FetchTellsWhereItStands(t *testing.T) {
	t.Parallel()
	v := vendors()[0]
	b := v.bench(t)
	client := b.client.(*twilio.Client)
	acc, err := client.Send(t.Context(), b.ch, text("+15550000106"))
	if err != nil {
		t.Fatal(err)
	}
	b.statuses(3)
	u, err := client.Fetch(t.Context(), b.ch, acc.ProviderID)
	if err != nil || u.Status != dispatch.Read || u.ProviderID != acc.ProviderID || u.Recipient != "+15550000106" {
		t.Errorf("got %+v, %v", u, err)
	}
	failed, err := client.Send(t.Context(), b.ch, text("+15550000108"))
	if err != nil {
		t.Fatal(err)
	}
	b.statuses(1)
	u, err = client.Fetch(t.Context(), b.ch, failed.ProviderID)
	if err != nil || u.Status != dispatch.Failed || u.ProviderCode != "30003" || u.Code != dispatch.FailUndelivered {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := client.Fetch(t.Context(), b.ch, "SM00000000000000000000000000000000"); provider.AsError(err).Provider != "20404" {
		t.Errorf("unknown sid: %v", err)
	}
}
