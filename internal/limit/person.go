package limit

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// personSpend is one message of a key to a recipient, or one given back.
type personSpend struct {
	key     int64
	to      string
	perHour int
	back    int64 // counted then, and not sent: give it back; 0: count it
}

// personAnswer is how long to wait (0: counted), and when it was counted.
type personAnswer struct {
	wait time.Duration
	at   int64
}

// SpendRecipients counts a message of the key to each recipient, who may have
// perHour in any hour: a stolen key cannot flood a number. It returns the time
// that each has to wait; 0: it is counted and may be sent. giveBack uncounts those,
// by index, that are not sent after all; if it fails, they stay counted. The
// error is that of ctx or batch.ErrOverloaded.
func (s *Spender) SpendRecipients(ctx context.Context, key int64, tos []string, perHour int) (waits []time.Duration,
	giveBack func(ctx context.Context, at []int) error, err error,
) {
	waits = make([]time.Duration, len(tos))
	if perHour <= 0 {
		return waits, func(context.Context, []int) error { return nil }, nil
	}
	asks := make([]personSpend, len(tos))
	for i, to := range tos {
		asks[i] = personSpend{key: key, to: to, perHour: perHour}
	}
	got, err := s.persons.DoAll(ctx, asks)
	if err != nil {
		return nil, nil, fmt.Errorf("spend recipients: %w", err)
	}
	for i := range got {
		waits[i] = got[i].wait
	}
	return waits, func(ctx context.Context, at []int) error {
		var backs []personSpend
		for _, i := range at {
			if got[i].wait == 0 {
				asks[i].back = got[i].at
				backs = append(backs, asks[i])
			}
		}
		_, err := s.persons.DoAll(ctx, backs)
		return err
	}, nil
}

func (s *Spender) personPage(ctx context.Context, asks []personSpend) ([]personAnswer, error) {
	keys, requests := make([]string, len(asks)), make([]request, len(asks))
	for i, a := range asks {
		keys[i] = "{key:" + strconv.FormatInt(a.key, 10) + "}:to:" + a.to
		requests[i] = request{n: 1, times: 1, long: int64(a.perHour)}
		if a.back > 0 {
			requests[i] = request{times: 1, long: int64(a.perHour), back: 1, backAt: a.back}
		}
	}
	answers, _, err := s.answer(ctx, &s.localPersons, keys, requests)
	if err != nil {
		return nil, err
	}
	got := make([]personAnswer, len(asks))
	for i, a := range answers {
		got[i] = personAnswer{wait: micro(a.pause), at: a.at}
	}
	return got, nil
}
