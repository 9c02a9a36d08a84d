package store

import (
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// The states of a row of dispatch.
const (
	stateReady     = 0
	stateClaimed   = 1 // a worker may be calling the provider
	stateResolving = 2 // the outcome of a call is unknown: a callback may settle it
	stateHeld      = 3 // its campaign is paused
)

// Whether a message was paid for.
const (
	chargePaid     = 1
	chargeRefunded = 2
)

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(pg.Numbers{
	"ready": stateReady, "claimed": stateClaimed, "resolving": stateResolving, "held": stateHeld,
	"paid": chargePaid, "refunded": chargeRefunded,
	"horizon_min":     int(horizon / time.Minute),
	"result_accepted": int(ResultAccepted), "result_doubtful": int(ResultDoubtful), "result_unknown": int(ResultUnknown),
})
