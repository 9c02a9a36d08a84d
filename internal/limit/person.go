package limit

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// personSpend is one message of a key to a recipient.
type personSpend struct {
	key     int64
	to      string
	perHour int
}

// SpendRecipients counts a message of the key to each recipient, of which each
// may have perHour in any hour: a stolen or abused key can't pump messages to a
// number. It tells for each how long to wait; 0: counted, send it.
func (s *Spender) SpendRecipients(ctx context.Context, key int64, tos []string, perHour int) ([]time.Duration, error) {
	if perHour <= 0 {
		return make([]time.Duration, len(tos)), nil
	}
	asks := make([]personSpend, len(tos))
	for i, to := range tos {
		asks[i] = personSpend{key: key, to: to, perHour: perHour}
	}
	waits, err := s.persons.DoAll(ctx, asks)
	if err != nil {
		return nil, fmt.Errorf("spend recipients: %w", err)
	}
	return waits, nil
}

func (s *Spender) personPage(ctx context.Context, asks []personSpend) ([]time.Duration, error) {
	keys, requests := make([]string, len(asks)), make([]request, len(asks))
	for i, a := range asks {
		keys[i] = "{key:" + strconv.FormatInt(a.key, 10) + "}:to:" + a.to
		requests[i] = request{n: 1, times: 1, long: int64(a.perHour)}
	}
	answers, _, err := s.answer(ctx, &s.localPersons, keys, requests)
	if err != nil {
		return nil, err
	}
	waits := make([]time.Duration, len(asks))
	for i, a := range answers {
		waits[i] = micro(a.pause)
	}
	return waits, nil
}
