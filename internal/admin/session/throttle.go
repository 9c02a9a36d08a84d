package session

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// period is how long failed sign-ins count.
const period = 15 * time.Minute

// The keys under which failed sign-ins are counted.
const (
	both = iota
	byEmail
	byAddress
)

// most are the failures after which a key is refused. An e-mail alone has a higher
// limit: nobody can lock its owner out from one address.
var most = [...]int{both: 10, byEmail: 100, byAddress: 50}

// throttled returns the keys of a sign-in.
func throttled(email, address string) [3]string {
	return [...]string{both: "both:" + email + " " + address, byEmail: "email:" + email, byAddress: "address:" + address}
}

// throttle returns a refusal if one of the keys has failed too often.
func (s *Service) throttle(ctx context.Context, who [3]string) error {
	failures, until, err := s.store.Failures(ctx, period, who[:]...)
	if err != nil {
		return err
	}
	for i, key := range who {
		if failures[key] >= most[i] {
			wait := int(time.Until(until)/time.Second) + 1
			return &dispatch.Error{Code: dispatch.RateLimited, Msg: "too many failed sign-ins; try again later", RetryAfter: max(wait, 1)}
		}
	}
	return nil
}
