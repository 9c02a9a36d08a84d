package store

import (
	"context"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// However a message came by the provider's id, it is not another's too.
func TestProviderIDTaken_ByAnother_HoweverItWasLearned(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := context.Background()
	twins := func() (has, asks dispatch.ID) {
		ids := f.accept(t, f.draft("+15550001000"), f.draft("+15550001000"))
		return ids[0], ids[1]
	}
	says := func(id dispatch.ID, ref string) {
		_, err := f.ApplyStatuses(
			ctx,
			[]dispatch.StatusUpdate{{ID: id, Channel: f.channel, ProviderID: ref, Status: dispatch.Sent, At: time.Now()}},
		)
		must(t, err)
	}
	for name, learn := range map[string]func(id dispatch.ID, ref string){
		"answer": func(id dispatch.ID, ref string) {
			o := outcome(id, f.claim(t, id), Settle, ResultAccepted)
			o.ProviderID = ref
			f.complete(t, o)
		},
		"callback before the answer": func(id dispatch.ID, ref string) {
			claim := f.claim(t, id)
			says(id, ref)
			o := outcome(id, claim, Settle, ResultAccepted)
			o.ProviderID = ref
			f.complete(t, o)
		},
		"callback, and no answer": func(id dispatch.ID, ref string) {
			f.claim(t, id)
			says(id, ref)
		},
		"callback in doubt": func(id dispatch.ID, ref string) {
			f.complete(t, outcome(id, f.claim(t, id), Resolve, ResultUnknown))
			says(id, ref)
		},
	} {
		for _, form := range []string{"SM", "MM", "wamid."} {
			has, asks := twins()
			ref := form + has.String()
			learn(has, ref)
			for _, c := range []struct {
				what    string
				channel int64
				ref     string
				asks    dispatch.ID
				want    bool
			}{
				{"another", f.channel, ref, asks, true},
				{"the same", f.channel, ref, has, false},
				{"another channel", f.channel + 1, ref, asks, false},
				{"another id", f.channel, ref + "0", asks, false},
			} {
				if got, err := f.ProviderIDTaken(ctx, c.channel, c.ref, c.asks); err != nil || got != c.want {
					t.Errorf("%s, %s, %s: %v (%v), want %v", name, form, c.what, got, err, c.want)
				}
			}
		}
	}
}

// The question costs the same however much was sent today.
func TestProviderIDTaken_ReadsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 2)
	f.exec(
		t,
		`WITH m AS (INSERT INTO messages (id, account_id, channel_id, expires_at, lane, type, recipient, content, provider_message_id, status)
		SELECT (substr(replace(uuid_floor(now() - interval '1 hour' + i * interval '10 ms')::text, '-', ''), 1, 12) || '7' ||
			substr(md5(i::text), 1, 19))::uuid, $1, $2, now(), 1, 'text', '+1555' || i, '{}', 'SM' || md5(i::text), 30
		FROM generate_series(1, 10000) AS i RETURNING id, provider_message_id)
		INSERT INTO attempts (message_id, claim, outcome, provider_message_id) SELECT id, gen_random_uuid(), 1, provider_message_id FROM m`,
		f.account,
		f.channel,
	)
	f.exec(t, `ANALYZE messages`)
	f.exec(t, `ANALYZE attempts`)
	f.explain(t, sqlTaken, f.channel, "SM0", ids[0].String()).walk(func(n *planNode) {
		if rows := n.Loops * (n.Rows + n.Removed); rows > 10 {
			t.Errorf("%s of %s by %s reads %.0f rows", n.Type, n.Relation, n.Index, rows)
		}
	})
}
