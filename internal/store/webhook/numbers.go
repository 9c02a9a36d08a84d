package webhook

import (
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(pg.Numbers{"delivery_pending": Pending, "turn_lease_s": int(TurnLease / time.Second)})
