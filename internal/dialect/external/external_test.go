package external_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
	"github.com/sendoff/sendoff/internal/dialect/external"
)

func TestExternal(t *testing.T) { dialecttest.Run(t, external.New()) }

func FuzzExternal(f *testing.F) { dialecttest.Fuzz(f, external.New()) }

func TestExternal_Documented(t *testing.T) { dialecttest.Documented(t, external.New()) }
