package sociocs

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
)

// noon is the time at which the cases are played.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func fixed() dialect.Dialect { return newAt(func() time.Time { return noon }) }

func TestSociocs(t *testing.T) { dialecttest.Run(t, fixed()) }

func FuzzSociocs(f *testing.F) { dialecttest.Fuzz(f, fixed()) }
