package worker

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestGatherResults_OnlyAfterSmallPagesUnderLoad(t *testing.T) {
	t.Parallel()
	for stored, want := range map[int]time.Duration{
		1: 0, gatherFrom - 1: 0, gatherFrom: gatherResultsFor, resultPage / 2: gatherResultsFor, resultPage/2 + 1: 0, resultPage: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := New(Options{})
			defer w.pool.close()
			begin := time.Now()
			if w.gatherResults(stored); time.Since(begin) != want {
				t.Errorf("after a page of %d: waited %v, want %v", stored, time.Since(begin), want)
			}
			w.quitNow()
			w.gatherResults(stored)
			if time.Since(begin) != want {
				t.Errorf("after a page of %d a stopping worker waited", stored)
			}
		})
	}
}
