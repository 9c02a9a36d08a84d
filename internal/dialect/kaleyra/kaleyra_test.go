package kaleyra_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
	"github.com/sendoff/sendoff/internal/dialect/kaleyra"
)

func TestKaleyra(t *testing.T) { dialecttest.Run(t, kaleyra.New()) }

func FuzzKaleyra(f *testing.F) { dialecttest.Fuzz(f, kaleyra.New()) }

func TestKaleyra_Documented(t *testing.T) { dialecttest.Documented(t, kaleyra.New()) }
