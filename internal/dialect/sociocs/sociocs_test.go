package sociocs

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
)

func TestSociocs(t *testing.T) { dialecttest.Run(t, New()) }

func FuzzSociocs(f *testing.F) { dialecttest.Fuzz(f, New()) }

func TestSociocs_Documented(t *testing.T) {
	dialecttest.Documented(t, New(), "MEDIA_URL", "Header", "Body", "Buttons")
}
