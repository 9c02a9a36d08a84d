package webhook

import "github.com/sendoff/sendoff/internal/store/pg"

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(pg.Numbers{"delivery_pending": Pending})
