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
	ids     []string // of the person; the first one counts
	perHour int
	back    int64 // counted then, and not sent: give it back; 0: count it
}

// personAnswer is how long to wait (0: counted), and when it was counted.
type personAnswer struct {
	wait time.Duration
	at   int64
}

// SpendRecipients counts a message of the key to each person, who may have
// perHour in any hour: a stolen key cannot flood a number. A person is known by
// the first of some ids; what was counted under another one of them, while that was
// the first, goes on. It returns the time
// that each has to wait; 0: it is counted and may be sent. giveBack uncounts those,
// by index, that are not sent after all; if it fails, they stay counted. The
// error is that of ctx or batch.ErrOverloaded.
func (s *Spender) SpendRecipients(ctx context.Context, key int64, persons [][]string, perHour int) (waits []time.Duration,
	giveBack func(ctx context.Context, at []int) error, err error,
) {
	waits = make([]time.Duration, len(persons))
	if perHour <= 0 {
		return waits, func(context.Context, []int) error { return nil }, nil
	}
	asks := make([]personSpend, len(persons))
	for i, ids := range persons {
		asks[i] = personSpend{key: key, ids: ids, perHour: perHour}
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
		keys[i] = personKey(a.key, a.ids[0])
		if a.back > 0 {
			requests[i] = request{times: 1, long: int64(a.perHour), back: 1, backAt: a.back}
			continue
		}
		requests[i] = request{n: 1, times: 1, long: int64(a.perHour)}
		for _, id := range a.ids[1:] {
			requests[i].others = append(requests[i].others, personKey(a.key, id))
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

// personKey returns the name of a key's count of messages to an id.
func personKey(key int64, id string) string {
	return "{key:" + strconv.FormatInt(key, 10) + "}:to:" + id
}
