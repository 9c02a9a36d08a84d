package socialone_test

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
	"github.com/sendoff/sendoff/internal/dialect/socialone"
)

func TestSocialone(t *testing.T) { dialecttest.Run(t, socialone.New()) }

func FuzzSocialone(f *testing.F) { dialecttest.Fuzz(f, socialone.New()) }

func TestSocialone_Documented(t *testing.T) { dialecttest.Documented(t, socialone.New()) }
