package aisoule_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/aisoule"
	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
)

func TestAisoule(t *testing.T) { dialecttest.Run(t, aisoule.New()) }

func FuzzAisoule(f *testing.F) { dialecttest.Fuzz(f, aisoule.New()) }

func TestAisoule_Documented(t *testing.T) { dialecttest.Documented(t, aisoule.New(), "code") }
